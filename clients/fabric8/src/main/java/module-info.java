/** Sluice on the fabric8 Kubernetes client: its configuration and its HTTP client. */
module dev.sluice.fabric8 {
  requires transitive dev.sluice.kube;
  requires transitive kubernetes.client.api;
  requires transitive kubernetes.model.core;
  requires static transitive org.jspecify;

  exports dev.sluice.fabric8;
}
