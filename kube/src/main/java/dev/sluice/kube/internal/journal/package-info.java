/**
 * What lets a stream go on after a restart.
 *
 * <p>In comes what the stream has changed in its store, and what controllers have finished; it
 * becomes {@linkplain dev.sluice.kube.internal.journal.Item items} in one order, the order of their
 * numbers, in files whose {@linkplain dev.sluice.kube.internal.journal.Format format} finds every
 * damage. Out comes, at the next start, the state as of some item ({@link
 * dev.sluice.kube.internal.journal.Recovery}): always all up to it and nothing after it, so that
 * objects, anchor and what is unfinished fit together whatever was lost behind.
 *
 * <p>{@link dev.sluice.kube.internal.journal.JournalWriter} writes, one step at a time and without
 * a thread; {@link dev.sluice.kube.internal.journal.JournalLog} gives it its threads and is what a
 * stream and its controllers see. Start reading there.
 */
@NullMarked
package dev.sluice.kube.internal.journal;

import org.jspecify.annotations.NullMarked;
