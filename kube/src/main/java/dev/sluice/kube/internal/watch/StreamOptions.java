package dev.sluice.kube.internal.watch;

import dev.sluice.flow.Backoff;
import dev.sluice.kube.ResourceKind;
import java.time.Duration;

/**
 * What a stream asks for, and its limits. Checked by the informer's builder.
 *
 * @param name the stream's name
 * @param kind the kind
 * @param namespace the namespace; empty for all
 * @param labelSelector a label selector; empty for none
 * @param fieldSelector a field selector; empty for none
 * @param metadataOnly whether only the objects' metadata is asked for
 * @param streamingList whether lists are asked for as the beginning of a watch
 * @param pageSize how many objects a page of a list has
 * @param watchTimeout after how long the server is asked to end a watch, before jitter
 * @param requestDeadline how long the head of a response, or the next bytes of a list, may take
 * @param silenceDeadline how long a watch may be silent
 * @param auditEvery how often the store is compared with the server; zero for never
 * @param backoff between attempts
 * @param maxObjectSize how long one object's frame may be, in bytes
 */
public record StreamOptions(
    String name,
    ResourceKind kind,
    String namespace,
    String labelSelector,
    String fieldSelector,
    boolean metadataOnly,
    boolean streamingList,
    int pageSize,
    Duration watchTimeout,
    Duration requestDeadline,
    Duration silenceDeadline,
    Duration auditEvery,
    Backoff backoff,
    int maxObjectSize) {}
