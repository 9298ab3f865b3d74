#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Compares what an agent says of its tasks (dcosctl --json ps -a on standard input) with what an
# observer sees who does not ask it: cgroups, processes, mounts, pins, maps, files. Prints a line
# for each thing lost or left, nothing if all is well.
#   observe.pl T CGDIR [ID | ID=PATTERN]...: T as agent.sh makes it. Clients were told that each ID
#   runs; with a pattern "STATE CODE", "STATE -SIGNAL" or "STATE" has to match it as a whole.
use strict;
use warnings;
use JSON::PP;

my ($t, $cgdir, @told) = @ARGV;
my $tasks = decode_json(do { local $/; <STDIN> })->{tasks};
my %task = map { $_->{id} => $_ } @$tasks;
my %runs = map { $_->{id} => $_ } grep { $_->{state} =~ /^(STARTING|RUNNING|KILLING)$/ } @$tasks;

sub slurp { my ($path) = @_; open my $f, '<', $path or return ''; local $/; return <$f> // '' }
sub names { my ($dir) = @_; opendir my $d, $dir or return (); return grep { !/^\.\.?$/ } readdir $d }
sub finding { print join(' ', @_), "\n" }

finding("task listed twice:", $_->{id}) for grep { my $id = $_->{id}; 1 < grep { $_->{id} eq $id } @$tasks } @$tasks;
for (@told) {
	my ($id, $want) = split /=/, $_, 2;
	my $x = $task{$id} && $task{$id}{exit};
	my $is = $task{$id} ? $task{$id}{state} : 'unknown';

	$is .= ' ' . ($x->{signal} ? -$x->{signal} : $x->{code} // 'not known') if $x;
	finding("task $id was running and is $is") if $is =~ /^(unknown|LOST)/ || ($want && $is !~ /^($want)$/);
}
# a launched child whose agent has died ends with 127, which no program here does
finding("task $_->{id} never ran and is said to have ended with 127")
	for grep { $_->{exit} && ($_->{exit}{code} // 0) == 127 } @$tasks;

# cgroups and processes
my %cgroup_id;
for my $id (sort keys %runs) {
	my $pid = $runs{$id}{pid} // 0;
	finding("task $id is $runs{$id}{state} without a cgroup") if !-d "$cgdir/$id";
	finding("task $id is $runs{$id}{state}, process $pid is not in its cgroup")
		if slurp("/proc/$pid/cgroup") !~ m{^0::.*/\Q$id\E$}m;
	$cgroup_id{(stat "$cgdir/$id")[1] // 0} = $id;
}
for my $id (grep { -d "$cgdir/$_" } names($cgdir)) {
	finding("cgroup $id of no running task") if !$runs{$id};
}

# files
for my $file (names("$t/state/tasks")) {
	my ($id) = $file =~ /^(.*)\.json$/;
	next if $file =~ /\.bad$/;
	finding("file tasks/$file") if !defined $id || !$task{$id};
}
finding("no checkpoint of $_") for grep { !-e "$t/state/tasks/$_.json" } sort keys %task;
finding("log of no task: $_") for grep { !$task{$_} } names("$t/state/logs");
finding("layers of no running task: $_") for grep { !$runs{$_} } names("$t/state/rootfs");

# mounts of the host's namespace
for (split /\n/, slurp('/proc/self/mountinfo')) {
	my $at = (split)[4];
	finding("mount $at") if $at =~ m{^\Q$t\E/} && $at ne "$t/bpf";
}

# slots and records of ends in the kernel
my ($bpftool) = grep { -x } qw(/usr/sbin/bpftool /sbin/bpftool);
my ($pins) = glob "$t/bpf/dcos/v*";
sub keys_of {
	my ($map) = @_;
	return () if !$bpftool || !$pins || !-e "$pins/$map";
	my $text = `$bpftool -j map dump pinned $pins/$map 2>/dev/null`;
	return map { unpack 'Q<', pack 'C*', map { hex } @{$_->{key}} } @{decode_json($text || '[]')};
}
for my $map (qw(slots exits)) {
	my %seen = map { $_ => 1 } keys_of($map);
	finding("map $map has cgroup $_ of no running task") for grep { !$cgroup_id{$_} } sort keys %seen;
	next if $map eq 'exits' || !%seen;
	finding("running task $cgroup_id{$_} is not metered") for grep { !$seen{$_} } sort keys %cgroup_id;
}
