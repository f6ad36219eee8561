package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.FakeApi.Canned;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DiscoveryTest {
  enum Documents {
    AGGREGATED,
    ONE_BY_ONE
  }

  private final FakeApi api = new FakeApi();

  private Discovery discovery(Documents documents) {
    if (documents == Documents.AGGREGATED) {
      api.answer("GET /api", Canned.ok(aggregated(group("", version("v1", CORE)))));
      api.answer(
          "GET /apis",
          Canned.ok(
              aggregated(
                  group("apps", version("v1", APPS))
                      + ","
                      + group("example.com", version("v2", WIDGETS) + "," + version("v1", WIDGETS))
                      + ","
                      + group("events.k8s.io", version("v1", EVENTS)))));
    } else {
      api.answer("GET /api", Canned.ok("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}"));
      api.answer("GET /api/v1", Canned.ok(list(CORE)));
      api.answer(
          "GET /apis",
          Canned.ok(
              """
              {"kind":"APIGroupList","groups":[
               {"name":"apps","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}},
               {"name":"example.com","versions":[{"version":"v1"},{"version":"v2"}],"preferredVersion":{"version":"v2"}},
               {"name":"metrics.k8s.io","versions":[{"version":"v1beta1"}],"preferredVersion":{"version":"v1beta1"}},
               {"name":"events.k8s.io","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]}\
              """));
      api.answer("GET /apis/apps/v1", Canned.ok(list(APPS)));
      api.answer("GET /apis/example.com/v1", Canned.ok(list(WIDGETS)));
      api.answer("GET /apis/example.com/v2", Canned.ok(list(WIDGETS)));
      api.answer("GET /apis/events.k8s.io/v1", Canned.ok(list(EVENTS)));
      api.answer(
          "GET /apis/metrics.k8s.io/v1beta1", new Canned(503, Map.of(), "service unavailable"));
    }
    return Discovery.over(api);
  }

  private static final String ALL = "\"verbs\":[\"get\",\"list\",\"watch\"]";
  private static final String[] CORE = {
    resource("pods", "pod", "Pod", true, "\"po\"", ALL),
    resource("pods/status", "", "Pod", true, "", ALL),
    resource("nodes", "node", "Node", false, "\"no\"", ALL),
    resource("events", "event", "Event", true, "\"ev\"", ALL),
    resource("bindings", "binding", "Binding", true, "", "\"verbs\":[\"create\"]")
  };
  private static final String[] APPS = {
    resource("deployments", "deployment", "Deployment", true, "\"deploy\"", ALL)
  };
  private static final String[] WIDGETS = {
    resource("widgets", "widget", "Widget", true, "\"wd\"", ALL)
  };
  private static final String[] EVENTS = {
    resource("events", "event", "Event", true, "\"ev\"", ALL)
  };

  /** Both forms of document at once: each reads its own members. */
  private static String resource(
      String plural,
      String singular,
      String kind,
      boolean namespaced,
      String shorts,
      String verbs) {
    return "{\"name\":\"%1$s\",\"resource\":\"%1$s\",\"singularName\":\"%2$s\",\"singularResource\":\"%2$s\",\"kind\":\"%3$s\",\"responseKind\":{\"group\":\"\",\"version\":\"\",\"kind\":\"%3$s\"},\"namespaced\":%4$s,\"scope\":\"%5$s\",\"shortNames\":[%6$s],%7$s}"
        .formatted(
            plural,
            singular,
            kind,
            namespaced,
            namespaced ? "Namespaced" : "Cluster",
            shorts,
            verbs);
  }

  private static String list(String... resources) {
    return "{\"kind\":\"APIResourceList\",\"resources\":[" + String.join(",", resources) + "]}";
  }

  private static String version(String name, String... resources) {
    return "{\"version\":\""
        + name
        + "\",\"freshness\":\"Current\",\"resources\":["
        + String.join(",", resources)
        + "]}";
  }

  private static String group(String name, String versions) {
    return "{\"metadata\":{\"name\":\"" + name + "\"},\"versions\":[" + versions + "]}";
  }

  private static String aggregated(String groups) {
    return "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/v2\",\"items\":["
        + groups
        + "]}";
  }

  @ParameterizedTest
  @CsvSource({
    "pods, v1, pods, true",
    "pod, v1, pods, true",
    "po, v1, pods, true",
    "Pod, v1, pods, true",
    "PODS, v1, pods, true",
    "no, v1, nodes, false",
    "deploy, apps/v1, deployments, true",
    "deployments.apps, apps/v1, deployments, true",
    "deployments.v1.apps, apps/v1, deployments, true",
    "pods.v1, v1, pods, true",
    "widgets, example.com/v2, widgets, true",
    "widgets.example.com, example.com/v2, widgets, true",
    "widgets.v1.example.com, example.com/v1, widgets, true",
    "events, v1, events, true",
    "events.events.k8s.io, events.k8s.io/v1, events, true"
  })
  void findsAKindByTheWordsThatPeopleType(
      String word, String apiVersion, String plural, boolean namespaced) throws Exception {
    for (Documents documents : Documents.values()) {
      ResourceKind kind = discovery(documents).resolve(word);

      assertThat(kind.apiVersion()).isEqualTo(apiVersion);
      assertThat(kind.plural()).isEqualTo(plural);
      assertThat(kind.namespaced()).isEqualTo(namespaced);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "deployment s, deployments.apps",
    "widget5, widgets.example.com",
    "deploymnt, deployments.apps",
    "ployment, deployments.apps",
    "pdo, pods"
  })
  void listsWhatIsSpelledAlikeWhenThereIsNoSuchKind(String word, String near) {
    assertThatThrownBy(() -> discovery(Documents.AGGREGATED).resolve(word))
        .isInstanceOf(UnknownKindException.class)
        .hasMessageContaining("the server has no kind \"" + word + "\"; did you mean ")
        .hasMessageContaining(near);
  }

  @Test
  void saysWhatAKindCanDoThatCannotBeWatched() {
    assertThatThrownBy(() -> discovery(Documents.AGGREGATED).resolve("bindings"))
        .isInstanceOf(UnknownKindException.class)
        .hasMessageContaining("bindings only knows create");
  }

  @Test
  void namesTheGroupsThatDidNotAnswer() {
    assertThatThrownBy(() -> discovery(Documents.ONE_BY_ONE).resolve("podmetrics"))
        .hasMessageContaining("these groups did not answer: metrics.k8s.io/v1beta1");
  }

  @ParameterizedTest
  @EnumSource
  void leavesOutSubresourcesAndWhatCannotBeWatched(Documents documents) throws Exception {
    assertThat(discovery(documents).all())
        .extracting(ResourceKind::toString)
        .contains("pods", "nodes", "deployments.apps")
        .doesNotContain("pods/status", "bindings");
  }

  @Test
  void passesOnARefusal() {
    api.answer(
        "GET /api",
        new Canned(
            401,
            Map.of(),
            "{\"kind\":\"Status\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}"));

    assertThatThrownBy(() -> Discovery.over(api).resolve("pods"))
        .isInstanceOfSatisfying(
            ServerException.class, refused -> assertThat(refused.status()).isEqualTo(401))
        .hasMessageContaining("GET /api: 401 Unauthorized: Unauthorized")
        .hasMessageContaining("a token may have expired");
  }

  @Test
  void saysSoWhenTheServerIsNoApiServer() {
    api.answer("GET /api", Canned.ok("<html>welcome</html>"));

    assertThatThrownBy(() -> Discovery.over(api).resolve("pods"))
        .hasMessageContaining("is this a Kubernetes API server?");
  }
}
