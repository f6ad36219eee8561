package dev.sluice.kube.internal.informer;

import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.StoreOptions;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.watch.StreamLog;
import java.time.InstantSource;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What the streams of a source have in common. Checked by the informer's builder.
 *
 * @param name the source's name
 * @param store what is kept, and how
 * @param bounded the one BLOCK or PAUSE gate; null for COALESCE gates
 * @param sleeper how the streams wait between attempts
 * @param random where jitter comes from
 * @param log where its stream keeps what it needs after a restart
 */
public record SourceSettings(
    String name,
    StoreOptions store,
    @Nullable Gate<ObjectKey> bounded,
    TimeSource time,
    InstantSource clock,
    Sleeper sleeper,
    RandomGenerator random,
    FlowListener listener,
    StreamLog log) {}
