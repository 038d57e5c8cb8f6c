#!/usr/bin/perl
# A consumer of the event stream in another language, without any library: it prints each event as a JSON line and
# then acknowledges it. At least once: what it had not acknowledged when it died comes first when it starts again.
#
#   perl deploy/consumer.pl HOST:PORT STREAM GROUP CONSUMER [--once]
#   perl deploy/consumer.pl 127.0.0.1:6379 campaigns:events crm crm-1
use strict;
use warnings;
use IO::Socket::INET;

my ($address, $stream, $group, $consumer, $once) = @ARGV;
die "usage: consumer.pl HOST:PORT STREAM GROUP CONSUMER [--once]\n" unless defined $consumer;
my $server = IO::Socket::INET->new(PeerAddr => $address) or die "cannot reach $address: $!\n";
binmode $server;
$| = 1;

# One command as the Redis protocol (RESP2) writes it, and its answer: a string, a number, a list or undef.
sub ask {
    my $text = '*' . @_ . "\r\n" . join '', map { '$' . length($_) . "\r\n$_\r\n" } @_;
    print {$server} $text or die "lost the server\n";
    return answer();
}

sub answer {
    my $line = <$server> // die "lost the server\n";
    my ($kind, $rest) = $line =~ /^(.)(.*)\r\n$/s or die "not understood\n";
    die "$rest\n" if $kind eq '-';
    return $rest if $kind eq '+' or $kind eq ':';
    return undef if $rest < 0;
    return [map { answer() } 1 .. $rest] if $kind eq '*';
    read($server, my $text, $rest + 2) == $rest + 2 or die "lost the server\n";
    return substr $text, 0, $rest;
}

sub quoted {
    my ($text) = @_;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
    return "\"$text\"";
}

# "0": what was taken and not acknowledged; ">": what nobody of the group has taken.
for (my $from = '0';;) {
    my @block = $once ? () : ('BLOCK', 5000);
    my $found = ask('XREADGROUP', 'GROUP', $group, $consumer, 'COUNT', 100, @block, 'STREAMS', $stream, $from);
    my @entries = $found ? @{ $found->[0][1] } : ();
    if (!@entries) {
        last if $once and $from eq '>';
        $from = '>';
    }
    for my $entry (@entries) {
        my ($position, $flat) = @$entry;
        my %event = @{ $flat // [] };    # an entry that was trimmed has no fields
        my @members = map { quoted($_) . ':' . quoted($event{$_}) } grep { $_ ne 'data' } sort keys %event;
        print '{', join(',', @members, "\"data\":$event{data}"), "}\n" if defined $event{data};    # here: your own work
        ask('XACK', $stream, $group, $position);
    }
}
