/**
 * A journal in etcd: for what was finished and where the stream stood, which is small; and for the
 * objects themselves if they are few.
 *
 * <p>{@link dev.sluice.journal.etcd.EtcdJournal} makes the store for a {@link
 * dev.sluice.kube.Journal}; it is a {@link dev.sluice.kube.JournalBucket} over etcd's JSON gateway,
 * and all that makes a journal of a bucket is in {@link dev.sluice.kube.JournalStore#shared}.
 */
@NullMarked
package dev.sluice.journal.etcd;

import org.jspecify.annotations.NullMarked;
