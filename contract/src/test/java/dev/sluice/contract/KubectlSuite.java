package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cluster.Kubectl;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people do with kubectl, the same on both servers; each test in a namespace of its own. */
abstract class KubectlSuite {
  private final String namespace = "kubectl-" + UUID.randomUUID().toString().substring(0, 8);

  // kubectl looks a kind up by its bare name: one that no other test has.
  private final String kind = "Gadget" + namespace.substring("kubectl-".length());

  abstract Kubectl server();

  private String kubectl(String... arguments) {
    return server().run(inNamespace(arguments));
  }

  private String kubectlReads(String input, String... arguments) {
    return server().runWithInput(input, inNamespace(arguments));
  }

  private String[] inNamespace(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "--namespace=" + namespace;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return all;
  }

  @BeforeEach
  void namespace() {
    assertThat(kubectl("create", "namespace", namespace))
        .isEqualTo("namespace/" + namespace + " created\n");
  }

  private String definition() {
    return """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: PLURAL.GROUP
    spec:
      group: GROUP
      scope: Namespaced
      names: {plural: PLURAL, singular: SINGULAR, kind: KIND, shortNames: [SHORT]}
      versions:
      - name: v1
        served: true
        storage: true
        subresources: {status: {}}
        additionalPrinterColumns:
        - {name: Size, type: integer, jsonPath: .spec.size}
        schema:
          openAPIV3Schema:
            description: A gadget of any size.
            type: object
            properties:
              spec:
                type: object
                properties:
                  size: {type: integer, minimum: 0, description: How big it is.}
                  color: {type: string, default: blue}
              status:
                type: object
                properties:
                  phase: {type: string}
    """
        .replace("GROUP", group())
        .replace("KIND", kind)
        .replace("PLURAL", plural())
        .replace("SINGULAR", singular())
        .replace("SHORT", shortName());
  }

  private String group() {
    return namespace + ".example.com";
  }

  private String singular() {
    return kind.toLowerCase(Locale.ROOT);
  }

  private String plural() {
    return singular() + "s";
  }

  private String shortName() {
    return "g" + namespace.substring("kubectl-".length());
  }

  private String gadget(String name, int size) {
    return """
    apiVersion: %s/v1
    kind: %s
    metadata: {name: %s, labels: {app: test}}
    spec: {size: %d}
    """
        .formatted(group(), kind, name, size);
  }

  /** Brings the kind Gadget and waits as people do. */
  private void gadgets() {
    assertThat(kubectlReads(definition(), "create", "-f", "-"))
        .isEqualTo(
            "customresourcedefinition.apiextensions.k8s.io/"
                + plural()
                + "."
                + group()
                + " created\n");
    assertThat(
            kubectl(
                "wait",
                "--for=condition=Established",
                "crd/" + plural() + "." + group(),
                "--timeout=60s"))
        .contains("condition met");
  }

  @Test
  void createsAKindAndItsObjects() {
    gadgets();
    assertThat(kubectlReads(gadget("a", 3), "create", "-f", "-"))
        .isEqualTo(singular() + "." + group() + "/a created\n");
    assertThat(kubectl("get", plural())).contains("NAME", "SIZE").containsPattern("a +3");
    assertThat(kubectl("get", shortName(), "a", "-o", "jsonpath={.spec.color}")).isEqualTo("blue");
    assertThat(kubectl("get", singular() + "/a", "-o", "yaml"))
        .contains("size: 3", "kind: " + kind);
    assertThatThrownBy(() -> kubectlReads(gadget("b", -1), "create", "-f", "-"))
        .hasMessageContaining("spec.size in body should be greater than or equal to 0");
    assertThatThrownBy(
            () -> kubectlReads(gadget("b", 1).replace("size", "weight"), "create", "-f", "-"))
        .hasMessageContaining("unknown field \"spec.weight\"");
  }

  @Test
  void getWatchSeesWhatHappens() throws Exception {
    gadgets();
    Process watching =
        server().start(inNamespace("get", plural(), "-w", "--output-watch-events", "--no-headers"));
    try (Lines lines = new Lines(watching)) {
      kubectlReads(gadget("a", 1), "create", "-f", "-");
      assertThat(lines.next()).containsPattern("ADDED +a +1");
      kubectl("patch", singular(), "a", "--type=merge", "-p", "{\"spec\":{\"size\":2}}");
      assertThat(lines.next()).containsPattern("MODIFIED +a +2");
      kubectl("delete", singular(), "a");
      assertThat(lines.next()).containsPattern("DELETED +a +2");
    }
  }

  @Test
  void appliesWhatIsNewChangedAndTheSame() {
    gadgets();
    assertThat(kubectlReads(gadget("a", 1), "apply", "-f", "-"))
        .isEqualTo(singular() + "." + group() + "/a created\n");
    assertThat(kubectlReads(gadget("a", 1), "apply", "-f", "-"))
        .isEqualTo(singular() + "." + group() + "/a unchanged\n");
    assertThat(kubectlReads(gadget("a", 2), "apply", "-f", "-"))
        .isEqualTo(singular() + "." + group() + "/a configured\n");
    assertThat(kubectl("get", singular(), "a", "-o", "jsonpath={.spec.size}")).isEqualTo("2");
    String withoutLabels = gadget("a", 2).replace(", labels: {app: test}", "");
    assertThat(kubectlReads(withoutLabels, "apply", "-f", "-")).contains("configured");
    assertThat(kubectl("get", singular(), "a", "-o", "jsonpath={.metadata.labels}")).isEmpty();
  }

  @Test
  void appliesBuiltInKindsByStrategicMerge() {
    String deployment =
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: main, image: "web:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
              - {name: side, image: "side:1"}
        """;
    assertThat(kubectlReads(deployment, "apply", "-f", "-"))
        .isEqualTo("deployment.apps/web created\n");
    String changed =
        deployment
            .replace("web:1", "web:2")
            .replace(", {name: B, value: \"2\"}", "")
            .replace("      - {name: side, image: \"side:1\"}\n", "");
    assertThat(kubectlReads(changed, "apply", "-f", "-"))
        .isEqualTo("deployment.apps/web configured\n");
    assertThat(
            kubectl(
                "get",
                "deployment",
                "web",
                "-o",
                "jsonpath={.spec.template.spec.containers[*].name}"
                    + " {.spec.template.spec.containers[0].image}"
                    + " {.spec.template.spec.containers[0].env[*].name}"))
        .isEqualTo("main web:2 A");
    assertThat(kubectlReads(changed, "apply", "-f", "-"))
        .isEqualTo("deployment.apps/web unchanged\n");
  }

  @Test
  void patchesInThreeWays() {
    kubectl("create", "configmap", "a", "--from-literal=k=v");
    kubectl("patch", "configmap", "a", "-p", "{\"data\":{\"strategic\":\"1\"}}");
    kubectl("patch", "configmap", "a", "--type=merge", "-p", "{\"data\":{\"merge\":\"1\"}}");
    kubectl(
        "patch",
        "configmap",
        "a",
        "--type=json",
        "-p",
        "[{\"op\":\"add\",\"path\":\"/data/json\",\"value\":\"1\"}]");
    assertThat(kubectl("get", "configmap", "a", "-o", "jsonpath={.data}"))
        .isEqualTo("{\"json\":\"1\",\"k\":\"v\",\"merge\":\"1\",\"strategic\":\"1\"}");
    assertThat(kubectl("patch", "configmap", "a", "--type=merge", "-p", "{\"data\":{\"k\":\"v\"}}"))
        .isEqualTo("configmap/a patched (no change)\n");
  }

  @Test
  void waitsForAStatusAndForTheEnd() throws Exception {
    gadgets();
    kubectlReads(gadget("a", 1), "create", "-f", "-");
    Process waiting =
        server()
            .start(
                inNamespace(
                    "wait",
                    "-v=6",
                    "--for=jsonpath={.status.phase}=Ready",
                    singular() + "/a",
                    "--timeout=60s"));
    try (Lines lines = new Lines(waiting)) {
      lines.awaitLog("watch=true");
      kubectl(
          "patch",
          singular(),
          "a",
          "--subresource=status",
          "--type=merge",
          "-p",
          "{\"status\":{\"phase\":\"Ready\"}}");
      assertThat(lines.next()).isEqualTo(singular() + "." + group() + "/a condition met");
    }
    kubectl(
        "patch",
        singular(),
        "a",
        "--type=merge",
        "-p",
        "{\"metadata\":{\"finalizers\":[\"example.com/f\"]}}");
    kubectl("delete", singular(), "a", "--wait=false");
    Process ending =
        server()
            .start(inNamespace("wait", "-v=6", "--for=delete", singular() + "/a", "--timeout=60s"));
    try (Lines lines = new Lines(ending)) {
      // What is gone before kubectl looks, it does not speak of.
      lines.awaitLog("watch=true");
      kubectl(
          "patch", singular(), "a", "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}");
      assertThat(lines.next()).isEqualTo(singular() + "." + group() + "/a condition met");
    }
  }

  @Test
  void deletesByNameByLabelAndByFile() {
    for (String name : new String[] {"a", "b", "c"}) {
      kubectl("create", "configmap", name);
    }
    kubectl("label", "configmap", "a", "b", "app=x");
    assertThat(kubectl("delete", "configmap", "-l", "app=x").lines())
        .hasSize(2)
        .allMatch(line -> line.contains("deleted"));
    assertThat(kubectl("get", "configmaps", "--field-selector=metadata.name=c", "-o", "name"))
        .isEqualTo("configmap/c\n");
    assertThat(
            kubectlReads(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", "delete", "-f", "-"))
        .contains("deleted");
    assertThat(kubectl("delete", "configmap", "c", "--ignore-not-found")).isEmpty();
    assertThatThrownBy(() -> kubectl("delete", "configmap", "c"))
        .hasMessageContaining("Error from server (NotFound): configmaps \"c\" not found");
  }

  @Test
  void deletesAKindWithItsObjects(@TempDir Path cache) {
    gadgets();
    kubectlReads(gadget("a", 1), "create", "-f", "-");
    assertThat(kubectl("delete", "crd", plural() + "." + group(), "--timeout=60s"))
        .contains("deleted");
    // With a cache of its own: in the common one the kind may still stand.
    assertThatThrownBy(() -> kubectl("--cache-dir=" + cache, "get", plural() + "." + group()))
        .hasMessageContaining("the server doesn't have a resource type");
  }

  @Test
  void createsEachBuiltInKind() {
    kubectl("create", "secret", "generic", "s", "--from-literal=password=geheim");
    kubectl("create", "serviceaccount", "robot");
    kubectl("create", "service", "clusterip", "web", "--tcp=80:8080");
    kubectl("create", "deployment", "web", "--image=web", "--replicas=2");
    kubectl("run", "pod", "--image=web", "--restart=Never");
    assertThat(kubectl("get", "secret/s", "-o", "jsonpath={.data.password}")).isEqualTo("Z2VoZWlt");
    assertThat(kubectl("get", "secrets,services,deployments,pods,serviceaccounts"))
        .contains(
            "secret/s", "service/web", "deployment.apps/web", "pod/pod", "serviceaccount/robot");
    assertThat(kubectl("get", "pod", "pod")).containsPattern("pod +0/1 +Pending +0");
    assertThat(kubectl("scale", "deployment/web", "--replicas=5"))
        .isEqualTo("deployment.apps/web scaled\n");
    assertThat(kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"))
        .isEqualTo("5");
    kubectl("set", "image", "deployment/web", "web=web:2");
    assertThat(kubectl("describe", "deployment", "web"))
        .contains("web:2", "Replicas:", "5 desired");
  }

  @Test
  void tellsWhatThereIs() {
    gadgets();
    assertThat(kubectl("api-resources")).contains("configmaps", "cm", plural(), shortName());
    assertThat(kubectl("explain", plural() + ".spec.size")).contains("How big it is.", "integer");
    assertThat(kubectl("explain", "configmap.data")).contains("map[string]string");
    assertThat(kubectl("version")).contains("Server Version: v1.");
    assertThat(kubectl("get", "--raw", "/readyz")).isEqualTo("ok");
    assertThat(kubectl("get", "namespace", namespace)).contains("Active");
  }

  @Test
  void editsAndReplaces() {
    kubectl("create", "configmap", "a", "--from-literal=k=v");
    String manifest = kubectl("get", "configmap", "a", "-o", "yaml");
    kubectl("annotate", "configmap", "a", "note=here");
    assertThatThrownBy(() -> kubectlReads(manifest.replace("k: v", "k: w"), "replace", "-f", "-"))
        .hasMessageContaining("the object has been modified");
    String present = kubectl("get", "configmap", "a", "-o", "yaml");
    assertThat(kubectlReads(present.replace("k: v", "k: w"), "replace", "-f", "-"))
        .isEqualTo("configmap/a replaced\n");
    assertThat(kubectlReads(present, "replace", "--force", "-f", "-")).contains("replaced");
  }

  @Test
  void diffsAndDryRuns() {
    String manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";
    kubectlReads(manifest, "apply", "-f", "-");
    assertThat(kubectlReads(manifest, "diff", "-f", "-")).isEmpty();
    assertThatThrownBy(() -> kubectlReads(manifest.replace("k: v", "k: w"), "diff", "-f", "-"))
        .hasMessageContaining("+  k: w");
    assertThat(
            kubectlReads(
                manifest.replace("name: a", "name: b"), "create", "--dry-run=server", "-f", "-"))
        .isEqualTo("configmap/b created (server dry run)\n");
    assertThat(kubectl("get", "configmaps", "-o", "name")).doesNotContain("configmap/b");
  }

  /** The lines of a program that goes on, as they come; closing it ends the program. */
  private static final class Lines implements AutoCloseable {
    // kubectl's own log, such as that it waited because of its own limit.
    private static final Pattern LOG = Pattern.compile("[IWE]\\d{4} \\d\\d:\\d\\d:\\d\\d.*");

    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Process process;

    Lines(Process process) {
      this.process = process;
      BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
      Thread.ofVirtual()
          .start(() -> {
            try {
              for (String line; (line = reader.readLine()) != null; ) {
                lines.add(line);
              }
            } catch (IOException e) {
              lines.add("(" + e + ")");
            }
          });
    }

    /** The next line that is not of the log. */
    String next() throws InterruptedException {
      String line;
      do {
        line = poll();
      } while (LOG.matcher(line).matches());
      return line;
    }

    /** Reads on to a line of the log that has this in it. */
    void awaitLog(String part) throws InterruptedException {
      String line;
      do {
        line = poll();
        assertThat(line).as("before a log line with " + part).matches(LOG);
      } while (!line.contains(part));
    }

    private String poll() throws InterruptedException {
      String line = lines.poll(60, TimeUnit.SECONDS);
      assertThat(line).as("what kubectl says next").isNotNull();
      return line;
    }

    @Override
    public void close() {
      process.destroy();
    }
  }
}
