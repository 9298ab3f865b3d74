# SPDX-License-Identifier: Apache-2.0
# A browser that a test drives: chromium without a screen by chromedriver, W3C WebDriver over curl.
# Source it behind agent.sh. browser_start [COMMAND...]: run it by that, such as nsenter. All calls
# go through the same command.
BROWSER_PID= BROWSER_IN=() BROWSER=http://127.0.0.1:9515

wd() { # METHOD PATH [BODY]
	"${BROWSER_IN[@]}" curl -s --max-time 60 -X "$1" -H 'Content-Type: application/json' ${3+-d "$3"} "$BROWSER$2"
}

browser_start() {
	BROWSER_IN=("$@")
	"$@" chromedriver --port=9515 > "$T/chromedriver.log" 2>&1 < /dev/null &
	BROWSER_PID=$!
	until_ok 20 wd GET /status || return 1
	SESSION=$(wd POST /session '{"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions":
		{"binary": "/usr/bin/chromium", "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1500,1000", "--user-data-dir='"$T/chromium"'"]}}}}' |
		sed -n 's/.*"sessionId":"\([0-9a-f]*\)".*/\1/p')
	[ -n "$SESSION" ]
}
browser_open() { wd POST "/session/$SESSION/url" "{\"url\": \"$1\"}" > /dev/null; }
# page SCRIPT: what "return ..." gives, as JSON
page() {
	local body

	body=$(printf '%s' "$1" | perl -MJSON::PP -0777 -ne 'print encode_json({script => $_, args => []})')
	wd POST "/session/$SESSION/execute/sync" "$body" | perl -MJSON::PP -0777 -ne '
		my $v = decode_json($_)->{value}; print JSON::PP->new->canonical->allow_nonref->encode($v)'
}
browser_shot() { wd GET "/session/$SESSION/screenshot" | perl -MJSON::PP -MMIME::Base64 -0777 -ne '
	print decode_base64(decode_json($_)->{value})' > "$1"; }
browser_end() {
	[ -n "$BROWSER_PID" ] || return 0
	wd DELETE "/session/$SESSION" > /dev/null
	kill "$BROWSER_PID" 2> /dev/null
	wait "$BROWSER_PID" 2> /dev/null
	BROWSER_PID=
}
