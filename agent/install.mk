# SPDX-License-Identifier: Apache-2.0
# install and uninstall; every installed path is named once, in install-map.
SBINDIR		:= $(PREFIX)/sbin
BINDIR		:= $(PREFIX)/bin
LIBEXECDIR	:= $(PREFIX)/libexec/dcos-node
SHAREDIR	:= $(PREFIX)/share
UNITDIR		:= $(PREFIX)/lib/systemd/system

# MODE:SOURCE:DESTINATION
install-map	= \
	755:$(O)/bin/dcos-agent:$(SBINDIR)/dcos-agent \
	755:$(O)/bin/dcos-keeper:$(LIBEXECDIR)/dcos-keeper \
	755:$(O)/bin/dcosctl:$(BINDIR)/dcosctl \
	755:$(O)/bin/dcostop:$(BINDIR)/dcostop \
	755:$(O)/bin/dcosaudit:$(BINDIR)/dcosaudit \
	755:$(O)/bin/dcosrun:$(BINDIR)/dcosrun \
	644:$(O)/systemd/dcos-agent.service:$(UNITDIR)/dcos-agent.service \
	644:$(O)/systemd/dcos-tasks.service:$(UNITDIR)/dcos-tasks.service \
	755:$(O)/bin/dcos-exporter:$(BINDIR)/dcos-exporter \
	644:$(O)/systemd/dcos-exporter.service:$(UNITDIR)/dcos-exporter.service \
	755:$(O)/bin/dcos-allocator:$(SBINDIR)/dcos-allocator \
	644:$(O)/systemd/dcos-allocator.service:$(UNITDIR)/dcos-allocator.service \
	755:$(O)/bin/dcos-uplink:$(SBINDIR)/dcos-uplink \
	644:$(O)/systemd/dcos-uplink.service:$(UNITDIR)/dcos-uplink.service \
	644:Documentation/prometheus-alerts.yml:$(SHAREDIR)/doc/dcos-node/prometheus-alerts.yml \
	644:Documentation/grafana-dashboard.json:$(SHAREDIR)/doc/dcos-node/grafana-dashboard.json \
	644:agent/systemd/dcos.sysusers:$(PREFIX)/lib/sysusers.d/dcos.conf \
	644:agent/systemd/dcos.tmpfiles:$(PREFIX)/lib/tmpfiles.d/dcos.conf \
	$(foreach p,$(wildcard isolators/profiles/*.json),644:$(p):$(SHAREDIR)/dcos-node/seccomp/$(notdir $(p))) \
	$(foreach w,$(wildcard tools/allocator/web/*),644:$(w):$(SHAREDIR)/dcos-node/web/$(notdir $(w))) \
	$(foreach c,$(wildcard tools/completion/*),644:$(c):$(SHAREDIR)/bash-completion/completions/$(notdir $(c))) \
	$(foreach m,$(man-pages),644:$(m):$(SHAREDIR)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))

# never overwritten: MODE:SOURCE:DESTINATION
install-conf	= 644:agent/systemd/agent.conf:$(SYSCONFDIR)/dcos/agent.conf

$(O)/systemd/%.service: agent/systemd/%.service.in
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|; s|@LIBEXECDIR@|$(LIBEXECDIR)|; s|@BINDIR@|$(BINDIR)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' $< > $@

.PHONY: install uninstall
install: all man $(O)/systemd/dcos-agent.service $(O)/systemd/dcos-tasks.service \
		$(O)/systemd/dcos-exporter.service $(O)/systemd/dcos-allocator.service $(O)/systemd/dcos-uplink.service
	@set -e; for e in $(install-map); do \
		src=$${e#*:}; install -D -m $${e%%:*} $${src%%:*} $(DESTDIR)$${src#*:}; done
	@set -e; for e in $(install-conf); do \
		src=$${e#*:}; dst=$(DESTDIR)$${src#*:}; \
		[ -e $$dst ] || install -D -m $${e%%:*} $${src%%:*} $$dst; done
	@mkdir -p $(DESTDIR)$(SYSCONFDIR)/dcos/agent.conf.d
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || { \
		systemd-sysusers $(PREFIX)/lib/sysusers.d/dcos.conf && systemctl daemon-reload; }
	@echo 'installed; start it with: systemctl enable --now dcos-agent'

uninstall:
	@for e in $(install-map); do rm -f $(DESTDIR)$${e##*:}; done
	@rmdir -p --ignore-fail-on-non-empty $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(SHAREDIR)/dcos-node/seccomp $(DESTDIR)$(SHAREDIR)/doc/dcos-node 2>/dev/null || true
	@echo 'removed; $(SYSCONFDIR)/dcos and the state of the agent stay'
