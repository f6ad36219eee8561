/** A journal in an S3-compatible bucket. */
module dev.sluice.journal.s3 {
  requires transitive dev.sluice.kube;
  requires transitive software.amazon.awssdk.services.s3;
  requires software.amazon.awssdk.awscore;
  requires software.amazon.awssdk.core;
  requires software.amazon.awssdk.http;
  requires software.amazon.awssdk.http.urlconnection;
  requires software.amazon.awssdk.regions;
  requires static transitive org.jspecify;

  exports dev.sluice.journal.s3;
}
