/** The released kube-apiserver and etcd for JUnit tests. */
module dev.sluice.cluster {
  requires java.net.http;
  requires transitive org.junit.jupiter.api;
  requires static transitive org.jspecify;

  exports dev.sluice.cluster;

  opens dev.sluice.cluster to
      org.junit.platform.commons;
}
