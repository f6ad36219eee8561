/** The sluice command. Run on the class path; see docs/decisions/0001. */
module dev.sluice.cli {
  requires dev.sluice.fabric8;
  requires dev.sluice.flow;
  requires dev.sluice.kube;
  requires dev.sluice.testkit;
  requires info.picocli;
  requires java.logging;
  requires jdk.unsupported;
  requires kubernetes.client.api;
  requires kubernetes.model.apiextensions;
  requires kubernetes.model.core;
  requires org.eclipse.jetty.http;
  requires org.eclipse.jetty.io;
  requires org.eclipse.jetty.server;
  requires org.eclipse.jetty.util;
  requires org.snakeyaml.engine;
  requires tools.jackson.core;
  requires tools.jackson.databind;
  requires static org.jspecify;

  // Picocli fills the fields that it finds annotated.
  opens dev.sluice.cli to
      info.picocli;
  opens dev.sluice.cli.apiserver to
      info.picocli;
  opens dev.sluice.cli.demo to
      info.picocli;
  opens dev.sluice.cli.journal to
      info.picocli;
  opens dev.sluice.cli.watch to
      info.picocli;
}
