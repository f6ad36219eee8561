package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.DEPLOYMENTS;
import static dev.sluice.contract.Api.JSON_PATCH;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.SERVICES;
import static dev.sluice.contract.Api.STRATEGIC_PATCH;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Deliberate;
import dev.sluice.contract.Proves;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import tools.jackson.databind.JsonNode;

@Chapter(value = "Patches", order = 4)
public abstract class PatchCases {
  private static final String APPLY = "application/apply-patch+yaml";
  private static final String NO_APPLY =
      "Server-side apply is not served yet: it is refused with 415, and the refusal names what is.";

  private static List<String> values(JsonNode array, String field) {
    List<String> values = new ArrayList<>();
    array.forEach(item -> values.add(item.path(field).asString("")));
    return values;
  }

  // ---- merge patch, RFC 7386

  @Proves("A merge patch sets what it names, removes what it names as null and leaves the rest.")
  void mergePatch(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', labels: {l: 'm'}}, data: {a: '1', b: '2'}}")
        .expect(201);
    Answer patched =
        api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {a: null, b: '3', c: '4'}}").expect(200);
    api.show("patched", patched.json());
    assertThat(patched.at("/data").propertyNames()).containsExactly("b", "c");
    assertThat(patched.text("/metadata/labels/l")).isEqualTo("m");
  }

  @Proves("A merge patch replaces lists as a whole.")
  void mergePatchReplacesLists(Api api) {
    api.post(
            WIDGETS,
            "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a'}, spec:"
                + " {parts: ['x', 'y']}}")
        .expect(201);
    Answer patched = api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {parts: ['z']}}").expect(200);
    assertThat(patched.at("/spec/parts").toString()).isEqualTo("[\"z\"]");
  }

  @Proves("A patch with a resourceVersion is refused when the object has moved on: 409.")
  void patchWithAVersion(Api api) {
    Answer a = api.configMap("a");
    Answer changed = api.touch("a", "2");
    api.patch(
            MERGE_PATCH,
            CONFIG_MAPS + "/a",
            "{metadata: {resourceVersion: '" + a.version() + "'}, data: {k: '3'}}")
        .expect(409, "Conflict");
    api.patch(
            MERGE_PATCH,
            CONFIG_MAPS + "/a",
            "{metadata: {resourceVersion: '" + changed.version() + "'}, data: {k: '3'}}")
        .expect(200);
  }

  @Proves("A patch may not rename: 400 for a name that is not the path's.")
  void patchMayNotRename(Api api) {
    api.configMap("a");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{metadata: {name: 'b'}}").expect(400, "BadRequest");
    api.widget("a");
    api.patch(MERGE_PATCH, WIDGETS + "/a", "{metadata: {name: 'b'}}").expect(400, "BadRequest");
  }

  @Proves("A patch with another uid: 422, where a PUT gets 409.")
  void patchWithAnotherUid(Api api) {
    api.configMap("a");
    api.patch(
            MERGE_PATCH,
            CONFIG_MAPS + "/a",
            "{metadata: {uid: '00000000-0000-0000-0000-000000000000'}}")
        .expect(422, "Invalid");
  }

  @Proves("A merge patch that is no JSON object: 400.")
  void malformedMergePatch(Api api) {
    api.configMap("a");
    for (String body : List.of("{\"data\":", "[]", "\"text\"", "")) {
      api.note("body: " + body);
      api.send("PATCH", CONFIG_MAPS + "/a", body, "Content-Type", MERGE_PATCH)
          .expect(400, "BadRequest");
    }
    api.widget("w");
    api.send("PATCH", WIDGETS + "/w", "{\"spec\":", "Content-Type", MERGE_PATCH)
        .expect(400, "BadRequest");
  }

  @Proves("A patch whose result does not fit the type: 422 or 400, and nothing is changed.")
  void patchThatDoesNotFit(Api api) {
    Answer a = api.configMap("a");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {k: 5}}");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: 'text'}");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{metadata: {labels: ['a']}}");
    assertThat(api.get(CONFIG_MAPS + "/a").expect(200).version()).isEqualTo(a.version());
    Answer w = api.widget("w");
    api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {size: 'big'}}").expect(422, "Invalid");
    api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {size: -1}}").expect(422, "Invalid");
    assertThat(api.get(WIDGETS + "/w").expect(200).version()).isEqualTo(w.version());
  }

  // ---- JSON patch, RFC 6902

  @Proves("JSON patch: add, replace, remove, move, copy and test, in this order, all or nothing.")
  void jsonPatch(Api api) {
    api.post(
            WIDGETS,
            "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a'}, spec:"
                + " {size: 1, parts: ['x', 'y'], free: {a: 1}}}")
        .expect(201);
    Answer patched =
        api.patch(
                JSON_PATCH,
                WIDGETS + "/a",
                "[{op: 'test', path: '/spec/size', value: 1},"
                    + "{op: 'replace', path: '/spec/size', value: 2},"
                    + "{op: 'add', path: '/spec/parts/1', value: 'between'},"
                    + "{op: 'add', path: '/spec/parts/-', value: 'last'},"
                    + "{op: 'remove', path: '/spec/parts/0'},"
                    + "{op: 'move', from: '/spec/free/a', path: '/spec/free/b'},"
                    + "{op: 'copy', from: '/spec/free/b', path: '/spec/free/c'},"
                    + "{op: 'add', path: '/metadata/annotations', value: {'a/b': '1'}},"
                    + "{op: 'replace', path: '/metadata/annotations/a~1b', value: '2'}]")
            .expect(200);
    api.show("patched", patched.json());
    assertThat(patched.at("/spec/parts").toString()).isEqualTo("[\"between\",\"y\",\"last\"]");
  }

  @Proves(
      "JSON patch: a test that fails, a path that is missing: 422 Invalid, and nothing is changed.")
  void jsonPatchThatFails(Api api) {
    Answer a = api.configMap("a");
    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'test', path: '/data/k', value: 'other'}]")
        .expect(422, "Invalid");
    api.patch(
            JSON_PATCH,
            CONFIG_MAPS + "/a",
            "[{op: 'add', path: '/data/n', value: '1'}, {op: 'remove', path: '/data/none'}]")
        .expect(422, "Invalid");

    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'add', path: '/none/there', value: '1'}]")
        .expect(422, "Invalid");
    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'move', from: '/data/none', path: '/data/x'}]")
        .expect(422, "Invalid");
    assertThat(api.get(CONFIG_MAPS + "/a").version()).isEqualTo(a.version());
  }

  @Proves("JSON patch: replace of a key that is missing adds it, against RFC 6902.")
  void jsonPatchReplacesWhatIsMissing(Api api) {
    api.configMap("a");
    Answer patched =
        api.patch(
                JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'replace', path: '/data/none', value: '1'}]")
            .expect(200);
    assertThat(patched.text("/data/none")).isEqualTo("1");
    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'replace', path: '/none/there', value: '1'}]")
        .expect(422, "Invalid");
  }

  @Proves("JSON patch: a body that is no list of operations, an operation that is none.")
  void malformedJsonPatch(Api api) {
    api.configMap("a");
    api.send("PATCH", CONFIG_MAPS + "/a", "[{\"op\":", "Content-Type", JSON_PATCH);
    api.send("PATCH", CONFIG_MAPS + "/a", "{\"op\":\"add\"}", "Content-Type", JSON_PATCH);
    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'increase', path: '/data/k'}]");
    api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{path: '/data/k'}]");
    assertThat(api.get(CONFIG_MAPS + "/a").text("/data/k")).isEqualTo("v");
  }

  @Proves("A JSON patch may hold 10,000 operations; one more: 413.")
  void jsonPatchIsBounded(Api api) {
    api.configMap("a");
    String operation = "{op: 'test', path: '/data/k', value: 'v'}";
    api.patch(
            JSON_PATCH, CONFIG_MAPS + "/a", "[" + (operation + ",").repeat(9_999) + operation + "]")
        .expect(200);
    api.patch(
            JSON_PATCH,
            CONFIG_MAPS + "/a",
            "[" + (operation + ",").repeat(10_000) + operation + "]")
        .expect(413);
  }

  // ---- strategic merge patch

  @Proves("Strategic merge patch: lists with a merge key are merged by it.")
  void strategicPatchMergesByKey(Api api) {
    api.post(
            DEPLOYMENTS,
            "{metadata: {name: 'a'}, spec: {selector: {matchLabels: {app: 'x'}}, template:"
                + " {metadata: {labels: {app: 'x'}}, spec: {containers: [{name: 'one', image: 'i1',"
                + " env: [{name: 'A', value: '1'}]}, {name: 'two', image: 'i2'}]}}}}")
        .expect(201);
    Answer patched =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{spec: {template: {spec: {containers: [{name: 'two', image: 'i3'}, {name: 'three',"
                    + " image: 'i4'}, {name: 'one', env: [{name: 'B', value: '2'}]}]}}}}")
            .expect(200);
    JsonNode containers = patched.at("/spec/template/spec/containers");
    api.note(values(containers, "name") + " " + values(containers, "image"));
    assertThat(values(containers, "name")).containsExactlyInAnyOrder("one", "two", "three");
    JsonNode env = containers.findParents("env").getFirst().path("env");
    api.note(env.toString());
    assertThat(env).hasSize(2);
  }

  @Proves(
      "Strategic merge patch: $patch: delete removes an item, $patch: replace replaces the list or"
          + " map.")
  void strategicPatchDirectives(Api api) {
    api.post(
            DEPLOYMENTS,
            "{metadata: {name: 'a', labels: {a: '1', b: '2'}}, spec: {selector: {matchLabels: {app:"
                + " 'x'}}, template: {metadata: {labels: {app: 'x'}}, spec: {containers: [{name:"
                + " 'one', image: 'i1'}, {name: 'two', image: 'i2'}]}}}}")
        .expect(201);
    Answer deleted =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{spec: {template: {spec: {containers: [{name: 'one', $patch: 'delete'}]}}}}"
                    .replace("$patch", "'$patch'"))
            .expect(200);
    assertThat(values(deleted.at("/spec/template/spec/containers"), "name")).containsExactly("two");
    Answer replaced =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{metadata: {labels: {'$patch': 'replace', c: '3'}}, spec: {template: {spec:"
                    + " {containers: [{name: 'new', image: 'i9'}, {'$patch': 'replace'}]}}}}")
            .expect(200);
    assertThat(values(replaced.at("/spec/template/spec/containers"), "name"))
        .containsExactly("new");
    assertThat(replaced.at("/metadata/labels").propertyNames()).containsExactly("c");
  }

  @Proves(
      "Strategic merge patch: $setElementOrder orders, $deleteFromPrimitiveList deletes,"
          + " $retainKeys clears the rest.")
  void strategicPatchMoreDirectives(Api api) {
    api.post(
            PODS,
            "{metadata: {name: 'a', finalizers: ['example.com/a', 'example.com/b']}, spec:"
                + " {containers: [{name: 'c', image: 'i'}]}}")
        .expect(201);
    Answer finalizers =
        api.patch(
                STRATEGIC_PATCH,
                PODS + "/a",
                "{metadata: {'$deleteFromPrimitiveList/finalizers': ['example.com/a'],"
                    + " '$setElementOrder/finalizers': ['example.com/c', 'example.com/b'],"
                    + " finalizers: ['example.com/c']}}")
            .expect(200);
    api.note(finalizers.at("/metadata/finalizers").toString());
    api.quietly(() -> api.post(DEPLOYMENTS, ObjectCases.DEPLOYMENT).expect(201));
    Answer strategy =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{spec: {strategy: {'$retainKeys': ['type'], type: 'Recreate'}}}")
            .expect(200);
    assertThat(strategy.at("/spec/strategy").toString()).isEqualTo("{\"type\":\"Recreate\"}");
  }

  @Proves("Strategic merge patch of a service: ports are merged by their number.")
  void strategicPatchOfAService(Api api) {
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{name: 'http', port: 80}]}}")
        .expect(201);
    Answer patched =
        api.patch(
                STRATEGIC_PATCH,
                SERVICES + "/a",
                "{spec: {ports: [{name: 'web', port: 80}, {name: 'tls', port: 443}]}}")
            .expect(200);
    api.note(values(patched.at("/spec/ports"), "name").toString());
    assertThat(values(patched.at("/spec/ports"), "name")).containsExactlyInAnyOrder("web", "tls");
  }

  @Proves(
      "Strategic merge patch: lists without a merge key are replaced, maps are merged, null"
          + " removes.")
  void strategicPatchOfTheRest(Api api) {
    api.quietly(() -> api.post(DEPLOYMENTS, ObjectCases.DEPLOYMENT).expect(201));
    Answer args =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{metadata: {labels: {l: 'm'}}, spec: {template: {spec: {containers: [{name: 'c',"
                    + " args: ['1', '2']}]}}}}")
            .expect(200);
    assertThat(args.at("/spec/template/spec/containers/0/args")).hasSize(2);
    Answer again =
        api.patch(
                STRATEGIC_PATCH,
                DEPLOYMENTS + "/a",
                "{metadata: {labels: {l: null}}, spec: {template: {spec: {containers: [{name: 'c',"
                    + " args: ['3']}]}}}}")
            .expect(200);
    assertThat(again.at("/spec/template/spec/containers/0/args")).hasSize(1);
    assertThat(again.at("/metadata").has("labels")).isFalse();
  }

  @Proves("Strategic merge patches are for built-in kinds only: 415 for a custom resource.")
  void strategicPatchOfACustomResource(Api api) {
    api.widget("a");
    api.patch(STRATEGIC_PATCH, WIDGETS + "/a", "{spec: {size: 2}}")
        .expect(415, "UnsupportedMediaType");
  }

  @Proves("PATCH 415 has another text than POST 415.")
  void unsupportedPatches(Api api) {
    api.configMap("a");
    Answer patch =
        api.send("PATCH", CONFIG_MAPS + "/a", "{}", "Content-Type", "application/json")
            .expect(415, "UnsupportedMediaType");
    Answer post =
        api.send("POST", CONFIG_MAPS, "{}", "Content-Type", "text/plain")
            .expect(415, "UnsupportedMediaType");
    assertThat(patch.message()).isNotEqualTo(post.message());
    api.send("PATCH", CONFIG_MAPS + "/a", "{}").expect(415, "UnsupportedMediaType");
  }

  @Proves("A patch's content type may carry a charset.")
  void patchWithACharset(Api api) {
    api.configMap("a");
    api.send(
            "PATCH",
            CONFIG_MAPS + "/a",
            "{\"data\":{\"k\":\"2\"}}",
            "Content-Type",
            MERGE_PATCH + "; charset=utf-8")
        .expect(200);
  }

  @Proves("A patch that meets another write in between is applied again to what is then there.")
  void patchesAreRetried(Api api) throws InterruptedException {
    api.configMap("a");
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> writers = new ArrayList<>();
    for (int w = 0; w < 4; w++) {
      int writer = w;
      byte[] body = ("{\"data\":{\"w" + writer + "\":\"1\"}}").getBytes(StandardCharsets.UTF_8);
      String path = api.expanded(CONFIG_MAPS + "/a");
      writers.add(
          Thread.ofVirtual()
              .start(() -> {
                try {
                  Answer answer = api.unrecorded("PATCH", path, body, "Content-Type", MERGE_PATCH);
                  answer.expect(200);
                } catch (Throwable e) {
                  failures.add(e);
                }
              }));
    }
    for (Thread writer : writers) {
      writer.join();
    }
    assertThat(failures).isEmpty();
    assertThat(api.get(CONFIG_MAPS + "/a").at("/data").propertyNames())
        .containsExactly("k", "w0", "w1", "w2", "w3");
  }

  // ---- server-side apply

  private static Answer apply(Api api, String path, String body, String... parameters) {
    return api.patch(APPLY, path, body, parameters);
  }

  private static String configMap(String rest) {
    return "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a'}, " + rest + "}";
  }

  @Proves(
      "Server-side apply (application/apply-patch+yaml, fieldManager): creates, changes, takes away"
          + " what the manager no longer says, and tells conflicts: 409, unless forced.")
  @Deliberate(NO_APPLY)
  void serverSideApply(Api api) {
    String path = CONFIG_MAPS + "/a";
    apply(api, path, configMap("data: {k: '1', l: '1'}"), "fieldManager=one").expect(201);
    apply(api, path, configMap("data: {k: '1', l: '1'}"), "fieldManager=one").expect(200);
    Answer left = apply(api, path, configMap("data: {k: '2'}"), "fieldManager=one").expect(200);
    assertThat(left.at("/data").toString()).isEqualTo("{\"k\":\"2\"}");
    apply(api, path, configMap("data: {k: '3'}"), "fieldManager=two").expect(409, "Conflict");
    apply(api, path, configMap("data: {k: '3'}"), "fieldManager=two", "force=true").expect(200);
    apply(api, path, configMap("data: {k: '3'}")).expect(422, "Invalid");
    apply(
            api,
            WIDGETS + "/w",
            "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'w'}, spec:"
                + " {size: 1}}",
            "fieldManager=one")
        .expect(201);
  }

  @Proves("Apply of an undeclared field on a built-in kind: 500.")
  @Deliberate(NO_APPLY)
  void applyOfAnUndeclaredField(Api api) {
    apply(api, CONFIG_MAPS + "/a", configMap("extra: 1"), "fieldManager=one").expect(500);
  }

  @Proves(
      "Apply to a missing object with a resourceVersion creates it (201); with a uid: 409, or 422"
          + " if it exists.")
  @Deliberate(NO_APPLY)
  void applyToAMissingObject(Api api) {
    String uid = "uid: '11111111-1111-1111-1111-111111111111'";
    apply(
            api,
            CONFIG_MAPS + "/b",
            "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'b', " + uid + "}}",
            "fieldManager=one")
        .expect(409, "Conflict");
    apply(
            api,
            CONFIG_MAPS + "/a",
            "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a', resourceVersion: '1'}}",
            "fieldManager=one")
        .expect(201);
    apply(
            api,
            CONFIG_MAPS + "/a",
            "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'a', " + uid + "}}",
            "fieldManager=one")
        .expect(422, "Invalid");
  }

  @Proves(
      "After another manager took all keys of data, the one that created it keeps {\"f:data\":{}}.")
  @Deliberate(NO_APPLY)
  void applyThatTakesAllKeys(Api api) {
    String path = CONFIG_MAPS + "/a";
    api.post(CONFIG_MAPS, configMap("data: {k: '1'}"), "fieldManager=one").expect(201);
    Answer taken =
        apply(api, path, configMap("data: {k: '2'}"), "fieldManager=two", "force=true").expect(200);
    List<String> fields = new ArrayList<>();
    taken
        .at("/metadata/managedFields")
        .forEach(
            entry -> fields.add(entry.path("manager").asString("") + " " + entry.path("fieldsV1")));
    assertThat(fields)
        .containsExactlyInAnyOrder("one {\"f:data\":{}}", "two {\"f:data\":{\"f:k\":{}}}");
  }

  @Proves("Apply of what is no YAML or of another kind: 400.")
  @Deliberate(NO_APPLY)
  void applyOfSomethingElse(Api api) {
    api.send("PATCH", CONFIG_MAPS + "/a?fieldManager=one", "a: [", "Content-Type", APPLY)
        .expect(400, "BadRequest");
    apply(
            api,
            CONFIG_MAPS + "/a",
            "{apiVersion: 'v1', kind: 'Secret', metadata: {name: 'a'}}",
            "fieldManager=one")
        .expect(400, "BadRequest");
  }
}
