package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CRDS;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

@Chapter(value = "Discovery", order = 7)
public abstract class DiscoveryCases {
  private static final String AGGREGATED =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

  @Proves("/api names v1; /apis names the groups with their versions and the preferred one.")
  void groups(Api api) {
    Answer core = api.get("/api").expect(200);
    assertThat(core.text("/kind")).isEqualTo("APIVersions");
    assertThat(core.text("/versions/0")).isEqualTo("v1");
    assertThat(core.at("/serverAddressByClientCIDRs").isArray()).isTrue();
    Answer groups = api.get("/apis").expect(200);
    assertThat(groups.text("/kind")).isEqualTo("APIGroupList");
    List<String> names = new ArrayList<>();
    groups.at("/groups").forEach(group -> names.add(group.path("name").asString("")));
    assertThat(names)
        .contains(
            "apps",
            "events.k8s.io",
            "coordination.k8s.io",
            "apiextensions.k8s.io",
            "contract.sluice.dev");
    for (JsonNode group : groups.at("/groups")) {
      if (group.path("name").asString("").equals("contract.sluice.dev")) {
        api.show("group", group);
      }
    }
  }

  @Proves("/apis/GROUP names its versions.")
  void group(Api api) {
    api.show("apps", api.get("/apis/apps").expect(200).json());
    api.show("contract", api.get("/apis/contract.sluice.dev").expect(200).json());
    api.show("leases", api.get("/apis/coordination.k8s.io").expect(200).at("/preferredVersion"));
  }

  @Proves(
      "/api/v1 lists the kinds with plural, kind, scope, verbs and short names; subresources stand"
          + " beside them.")
  void coreResources(Api api) {
    Answer list = api.get("/api/v1").expect(200);
    assertThat(list.text("/kind")).isEqualTo("APIResourceList");
    assertThat(list.text("/groupVersion")).isEqualTo("v1");
    showResources(
        api,
        list,
        List.of(
            "configmaps",
            "events",
            "namespaces",
            "namespaces/status",
            "namespaces/finalize",
            "pods",
            "pods/status",
            "secrets",
            "serviceaccounts",
            "services",
            "services/status"));
  }

  @Proves("/apis/GROUP/VERSION does so for the other groups.")
  void groupResources(Api api) {
    showResources(
        api, api.get("/apis/apps/v1").expect(200), List.of("deployments", "deployments/status"));
    showResources(api, api.get("/apis/coordination.k8s.io/v1").expect(200), List.of("leases"));
    showResources(api, api.get("/apis/events.k8s.io/v1").expect(200), List.of("events"));
    showResources(
        api,
        api.get("/apis/apiextensions.k8s.io/v1").expect(200),
        List.of("customresourcedefinitions", "customresourcedefinitions/status"));
    showResources(
        api,
        api.get("/apis/contract.sluice.dev/v1").expect(200),
        List.of("widgets", "widgets/status"));
  }

  private static void showResources(Api api, Answer list, List<String> wanted) {
    List<String> found = new ArrayList<>();
    for (JsonNode resource : list.at("/resources")) {
      if (wanted.contains(resource.path("name").asString(""))) {
        found.add(resource.path("name").asString(""));
        ObjectNode shown = (ObjectNode) resource.deepCopy();
        shown.remove("storageVersionHash"); // says only whether it changed
        api.note(shown.toString());
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(wanted);
  }

  @Proves("A kind brought by a CustomResourceDefinition is discovered, and is gone with it.")
  void customKindsComeAndGo(Api api) {
    api.things("{schema: {openAPIV3Schema: {type: 'object'}}}");
    api.await("it is in /apis", () -> api.get("/apis").text().contains(api.group()));
    assertThat(api.get("/apis/{group}/v1").expect(200).text("/resources/0/name"))
        .isEqualTo("things");
    api.get("/apis/{group}").expect(200);
    api.delete(CRDS + "/things.{group}").expect(200);
    api.await("it is gone", () -> api.get("/apis/{group}").code() == 404);
    api.get("/apis/{group}").expect(404);
    api.await("it left /apis", () -> !api.get("/apis").text().contains(api.group()));
  }

  @Proves("Aggregated discovery: everything of all groups in two answers, by Accept.")
  void aggregated(Api api) {
    Answer core = api.getAs(AGGREGATED, "/api").expect(200);
    assertThat(core.text("/kind")).isEqualTo("APIGroupDiscoveryList");
    assertThat(core.text("/apiVersion")).isEqualTo("apidiscovery.k8s.io/v2");
    JsonNode pods = resource(core, "", "v1", "pods");
    ((ObjectNode) pods).remove("subresources");
    api.show("pods", pods);
    Answer groups = api.getAs(AGGREGATED, "/apis").expect(200);
    JsonNode widgets = resource(groups, "contract.sluice.dev", "v1", "widgets");
    api.show("widgets", widgets);
    api.show("deployments", resource(groups, "apps", "v1", "deployments").path("responseKind"));
  }

  @Proves("Aggregated /api gives subresources a responseKind with an empty version.")
  void aggregatedSubresources(Api api) {
    Answer core = api.getAs(AGGREGATED, "/api").expect(200);
    for (JsonNode subresource : resource(core, "", "v1", "pods").path("subresources")) {
      if (subresource.path("subresource").asString("").equals("status")) {
        api.show("pods/status", subresource);
        assertThat(subresource.at("/responseKind/version").asString("x")).isEmpty();
        return;
      }
    }
    throw new AssertionError("pods have no status in " + core);
  }

  private static JsonNode resource(Answer list, String group, String version, String resource) {
    for (JsonNode item : list.at("/items")) {
      if (item.at("/metadata/name").asString("").equals(group)) {
        for (JsonNode v : item.path("versions")) {
          for (JsonNode r : v.path("resources")) {
            if (v.path("version").asString("").equals(version)
                && r.path("resource").asString("").equals(resource)) {
              return r;
            }
          }
        }
      }
    }
    throw new AssertionError(group + "/" + version + " " + resource + " is not in " + list);
  }

  @Proves(
      "A client that accepts both gets the aggregated form, one that accepts JSON alone the old"
          + " one.")
  void aggregatedOrElse(Api api) {
    assertThat(api.getAs(AGGREGATED + ",application/json", "/apis").expect(200).text("/kind"))
        .isEqualTo("APIGroupDiscoveryList");
    assertThat(api.get("/apis").expect(200).text("/kind")).isEqualTo("APIGroupList");
  }

  @Proves("/version tells the version; /healthz, /livez and /readyz say ok.")
  void versionAndHealth(Api api) {
    api.quietly(() -> {
      Answer version = api.get("/version").expect(200);
      assertThat(version.text("/major")).isEqualTo("1");
      assertThat(version.text("/gitVersion")).startsWith("v1.");
    });
    for (String path : List.of("/healthz", "/livez", "/readyz")) {
      assertThat(api.send("GET", path, null, "Accept", "*/*").expect(200).text()).isEqualTo("ok");
    }
  }

  @Proves("/openapi/v3 lists a document for each group and version, and serves them.")
  void openApi(Api api) {
    Answer[] answered = new Answer[1];
    api.quietly(() -> answered[0] = api.get("/openapi/v3").expect(200));
    Answer index = answered[0];
    assertThat(index.at("/paths").propertyNames())
        .contains("api/v1", "apis/apps/v1", "apis/coordination.k8s.io/v1");
    String url = index.at("/paths").path("api/v1").path("serverRelativeURL").asString("");
    assertThat(url).startsWith("/openapi/v3/api/v1");
    api.quietly(() -> {
      Answer document = api.get(url).expect(200);
      assertThat(document.text("/openapi")).startsWith("3.0");
      assertThat(document.at("/paths").propertyNames())
          .contains("/api/v1/namespaces/{namespace}/configmaps");
    });
  }

  @Proves(
      "/openapi/v3 has a document for a custom kind, with its schema and its group, version and"
          + " kind.")
  void openApiOfACustomKind(Api api) {
    api.await(
        "the document is there",
        () -> api.get("/openapi/v3").text().contains("apis/contract.sluice.dev/v1"));
    api.quietly(() -> {
      Answer document = api.get("/openapi/v3/apis/contract.sluice.dev/v1").expect(200);
      JsonNode schemas = document.at("/components/schemas");
      List<JsonNode> widgets = new ArrayList<>();
      for (JsonNode schema : schemas) {
        for (JsonNode gvk : schema.path("x-kubernetes-group-version-kind")) {
          if (gvk.path("kind").asString("").equals("Widget")) {
            widgets.add(schema);
          }
        }
      }
      assertThat(widgets).hasSize(1);
      assertThat(widgets.getFirst().at("/properties/spec/properties").propertyNames())
          .contains("size");
    });
  }

  @Proves("A change of a kind's names or versions shows in discovery.")
  void changesShow(Api api) {
    api.things("{schema: {openAPIV3Schema: {type: 'object'}}}");
    api.patch(MERGE_PATCH, CRDS + "/things.{group}", "{spec: {names: {shortNames: ['th']}}}")
        .expect(200);
    api.await(
        "the short name is there",
        () -> api.get("/apis/{group}/v1").text("/resources/0/shortNames/0").equals("th"));
  }
}
