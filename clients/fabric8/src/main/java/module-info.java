/** Sluice with the fabric8 Kubernetes client: its configuration, credentials and classes. */
module dev.sluice.fabric8 {
  requires transitive dev.sluice.kube;
  requires transitive kubernetes.client.api;
  requires transitive kubernetes.model.core;
  requires org.apache.httpcomponents.client5.httpclient5;
  requires org.apache.httpcomponents.core5.httpcore5;
  requires static transitive org.jspecify;

  exports dev.sluice.fabric8;
}
