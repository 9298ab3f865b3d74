#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A client of the agent's socket that does what dcosctl never would. One word says what:
#   call METHOD PARAMS [more]  one call; prints each reply on a line, up to the last one
#   raw [hold]                 standard input as it is, then end of file (hold: only at the end of
#                              the reading); prints what comes back, a line for each message
#   hold N                     N connections, each with one answered call; prints how many were
#                              served and how many refused, stays until SIGTERM
#   stuff N BYTES              N connections with that much of a message that does not end
#   leave METHOD PARAMS [more] a call that has been started is left alone
#   slow METHOD PARAMS         calls with more and does not read before SIGTERM; then prints how
#                              many replies came up to a jump of their seq, and that jump
#   crowd N COUNT PARAMS       N subscribers at once, each reads COUNT snapshots; prints how many got
#                              the last of them, and by which steps seq grew
# Needs DCOS_SOCKET.
use strict;
use warnings;
use IO::Socket::UNIX;

$| = 1;
$SIG{PIPE} = 'IGNORE';
my $service = 'org.varlink.service.GetInfo';

sub dial {
	for (1 .. 1000) {
		my $s = IO::Socket::UNIX->new(Peer => $ENV{DCOS_SOCKET});
		return $s if $s;
		die "connect: $!\n" unless $!{EAGAIN};
		select undef, undef, undef, 0.01; # its queue is full
	}
	die "connect: the queue stays full\n";
}

sub message {
	my ($method, $params, $more) = @_;
	return sprintf('{"method":"%s","parameters":%s%s}', $method, $params || '{}',
		$more ? ',"more":true' : '') . "\0";
}

# what could be written before the other side had enough
sub put {
	my ($s, $data) = @_;
	my $done = 0;
	while ($done < length $data) {
		my $n = syswrite $s, $data, length($data) - $done, $done;
		last unless $n;
		$done += $n;
	}
	return $done;
}

# the next message, or undef at the end
my %pending;
sub get {
	my ($s) = @_;
	my $buf = delete $pending{$s} // '';
	my $at;
	while (($at = index $buf, "\0") < 0) {
		return undef unless sysread $s, $buf, 65536, length $buf; # SIGTERM ends this too
	}
	$pending{$s} = substr $buf, $at + 1;
	return substr $buf, 0, $at;
}

my ($told, $parent) = (0, getppid);
$SIG{TERM} = sub { $told = 1 };
sub until_told { select undef, undef, undef, 0.05 until $told || getppid != $parent }

my %does = (
	call => sub {
		my $s = dial();
		put($s, message(@_));
		while (defined(my $m = get($s))) {
			print "$m\n";
			last if $m !~ /"continues":true/;
		}
	},
	raw => sub {
		my ($hold) = @_;
		my $s = dial();
		local $/;
		put($s, scalar <STDIN>);
		shutdown $s, 1 unless $hold;
		while (defined(my $m = get($s))) { print "$m\n" }
	},
	hold => sub {
		my ($nr) = @_;
		my (@held, $refused);
		for (1 .. $nr) {
			my $s = dial();
			put($s, message($service));
			if ((get($s) // '') =~ /"vendor"/) { push @held, $s }
			else { $refused++ }
		}
		printf "served %d refused %d\n", scalar @held, $refused // 0;
		until_told();
	},
	stuff => sub {
		my ($nr, $bytes) = @_;
		my ($held, @all) = (0);
		for (1 .. $nr) {
			my $s = dial();
			$held++ if put($s, '{' . ' ' x ($bytes - 1)) == $bytes;
			push @all, $s;
		}
		print "held $held\n";
		until_told();
	},
	leave => sub {
		my $s = dial();
		put($s, message($service) . message(@_));
		get($s); # both came with one read, so the second has been started too
		print "left\n";
	},
	slow => sub {
		my ($method, $params) = @_;
		my ($s, $replies, $jump, $last) = (dial(), 0, 0);
		put($s, message($method, $params, 1));
		print "begun\n";
		until_told();
		my $end = time + 60;
		while ($jump < 2 && time < $end && defined(my $m = get($s))) {
			$replies++;
			next unless $m =~ /"seq":(\d+)/;
			$jump = $1 - $last if defined $last && $1 - $last > $jump;
			$last = $1;
		}
		print "replies $replies jump $jump\n";
	},
	crowd => sub {
		my ($nr, $count, $params) = @_;
		my ($got, %steps) = (0);
		my @all = map {
			my $s = dial();
			put($s, message('io.dcos.Agent.Subscribe', $params, 1));
			$s;
		} 1 .. $nr;
		my @last;
		for my $turn (1 .. $count) {
			for my $i (0 .. $#all) {
				my $m = get($all[$i]) // '';
				next unless $m =~ /"seq":(\d+)/;
				$steps{$1 - $last[$i]} = 1 if defined $last[$i];
				$last[$i] = $1;
				$got++ if $turn == $count;
			}
		}
		printf "got %d steps %s\n", $got, join ' ', sort keys %steps;
	},
);

my $what = shift // '';
die "peer.pl: see its head\n" unless $does{$what};
$does{$what}->(@ARGV);
