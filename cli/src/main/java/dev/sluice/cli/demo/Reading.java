package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.List;

/**
 * Everything that the screen shows, as of one moment. The counters run from the start of the demo.
 *
 * @param elapsed since the start
 * @param incident the incident that is on, with its number: {@code 2/5 slow consumer}
 * @param story what happens in it
 * @param changes changes made at the server, beside the controller's own
 * @param events events and listed objects that the informer received
 * @param reconciles reconciles started
 * @param writes writes of the controller that reached the proxy
 * @param coalesced events that needed no reconcile of their own
 * @param depth keys that wait to be reconciled
 * @param stream what the stream is doing and where it stands
 * @param stops how often it stopped, by cause, in words
 * @param beside further lines that belong to the incident
 */
record Reading(
    Duration elapsed,
    String incident,
    String story,
    long changes,
    long events,
    long reconciles,
    long writes,
    long coalesced,
    long depth,
    String stream,
    String stops,
    List<String> beside) {}
