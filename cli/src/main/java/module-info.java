/** The sluice command. Run on the class path; see docs/decisions/0001. */
module dev.sluice.cli {
  requires dev.sluice.fabric8;
  requires dev.sluice.kube;
  requires info.picocli;
  requires java.logging;
  requires jdk.unsupported;
  requires kubernetes.client.api;
  requires kubernetes.model.core;
  requires org.snakeyaml.engine;
  requires static org.jspecify;

  // Picocli fills the fields that it finds annotated.
  opens dev.sluice.cli to
      info.picocli;
  opens dev.sluice.cli.watch to
      info.picocli;
}
