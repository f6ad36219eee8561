/**
 * A journal for a pod without a disk: in a bucket of S3, or of a server that speaks like it.
 *
 * <p>{@link dev.sluice.journal.s3.S3Journal} makes the store for a {@link dev.sluice.kube.Journal};
 * it is a {@link dev.sluice.kube.JournalBucket} over the AWS SDK, and all that makes a journal of a
 * bucket is in {@link dev.sluice.kube.JournalStore#shared}.
 */
@NullMarked
package dev.sluice.journal.s3;

import org.jspecify.annotations.NullMarked;
