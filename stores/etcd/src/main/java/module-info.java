/** A journal in etcd. */
module dev.sluice.journal.etcd {
  requires transitive dev.sluice.kube;
  requires java.net.http;
  requires tools.jackson.core;
  requires static transitive org.jspecify;

  exports dev.sluice.journal.etcd;
}
