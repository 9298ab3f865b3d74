#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# http.pl PORT raw | slow NR TEXT | unread NR TEXT: a client that does what curl would not, on
# 127.0.0.1. \r and \n in TEXT are what they say.
#	raw	sends standard input at once; prints the status of every reply until the server hangs up
#	slow	opens NR connections, sends TEXT on each, prints "ready" and then how many the server
#		has closed, when standard input ends
#	unread	as slow, with a receive buffer as small as it can be, and never reads
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF inet_aton pack_sockaddr_in);

my ($port, $what, $nr, $text) = @ARGV;
my %escapes = ('\r' => "\r", '\n' => "\n");
$text =~ s/(\\[rn])/$escapes{$1}/g if defined $text;
$SIG{PIPE} = 'IGNORE';
$| = 1;

sub connected {
	my $s = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!\n";
	setsockopt($s, SOL_SOCKET, SO_RCVBUF, pack('i', 1)) if $what eq 'unread';
	connect($s, pack_sockaddr_in($port, inet_aton('127.0.0.1'))) or die "connect: $!\n";
	return $s;
}

if ($what eq 'raw') {
	my $s = connected();
	my $all = '';
	local $/;
	print $s <STDIN>;
	$s->flush;
	alarm 20; # a server that keeps it open is a failure of the test
	while (sysread($s, my $part, 65536)) { $all .= $part; }
	print "$1\n" while $all =~ m{^HTTP/1\.[01] (\d+)}mg;
	exit;
}
my @open = map { connected() } 1 .. $nr;
for my $s (@open) { syswrite($s, $text); }
print "ready\n";
1 while <STDIN>;
my $closed = 0;
for my $s (@open) {
	my $part;
	$s->blocking(0);
	# what has come is read up; then an end, an error, or nothing for now
	while (1) {
		my $n = sysread($s, $part, 65536);
		next if $n;
		$closed++ if defined $n || !$!{EAGAIN};
		last;
	}
}
print "$closed\n";
