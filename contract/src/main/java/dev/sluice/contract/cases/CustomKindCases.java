package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CRDS;
import static dev.sluice.contract.Api.JSON_PATCH;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Deliberate;
import dev.sluice.contract.Json;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

@Chapter(value = "Custom kinds", order = 8)
public abstract class CustomKindCases {

  /** A version whose spec has these properties. */
  private static String spec(String properties) {
    return "{schema: {openAPIV3Schema: {type: 'object', properties: {spec: {type: 'object',"
        + " properties: "
        + properties
        + "}}}}}";
  }

  private static String thing(String name, String spec) {
    return "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: '"
        + name
        + "'}, spec: "
        + spec
        + "}";
  }

  private static Answer invalid(Api api, String things, String spec) {
    api.note("spec: " + spec);
    return api.post(things, thing("x", spec)).expect(422, "Invalid");
  }

  private static Answer valid(Api api, String things, String name, String spec) {
    Answer[] answer = new Answer[1];
    api.quietly(() -> answer[0] = api.post(things, thing(name, spec)).expect(201));
    return answer[0];
  }

  // ---- the definition

  @Proves("A definition becomes NamesAccepted and Established, and its kind is served.")
  void established(Api api) {
    Answer created =
        api.post(CRDS, api.thingsDefinition(spec("{a: {type: 'string'}}"))).expect(201);
    api.show("created spec", created.at("/spec"));
    api.await(
        "it is established",
        () ->
            api.get(CRDS + "/things.{group}")
                .text()
                .contains("the initial names have been accepted"));
    Answer established = api.get(CRDS + "/things.{group}").expect(200);
    api.show("status", established.at("/status"));
    api.awaitServed("/apis/{group}/v1/things");
    api.get("/apis/{group}/v1/things").expect(200);
  }

  @Proves(
      "The definition's name must be PLURAL.GROUP; names, versions and scope must be sound: 422.")
  void unsoundDefinitions(Api api) {
    String good = api.thingsDefinition(spec("{}"));
    post(api, good.replace("'things.{group}'", "'others.{group}'"));
    post(api, good.replace("'Namespaced'", "'Somewhere'"));
    post(api, good.replace("kind: 'Thing'", "kind: ''"));
    post(api, good.replace("plural: 'things'", "plural: 'Things'"));
    post(api, good.replace("storage: true", "storage: false"));
    post(
        api,
        good.replace("group: '{group}'", "group: 'nodots'")
            .replace("things.{group}", "things.nodots"));
    post(api, good.replace("name: 'v1'", "name: 'V1'"));
    post(api, good.replaceAll("versions: .*]", "versions: []"));
  }

  private static void post(Api api, String definition) {
    api.post(CRDS, definition).expect(422, "Invalid");
  }

  @Proves("A version needs a schema, and a structural one: every field has a type, 422 else.")
  void schemasMustBeStructural(Api api) {
    post(api, api.thingsDefinition("{subresources: {status: {}}}"));
    post(
        api,
        api.thingsDefinition("{schema: {openAPIV3Schema: {properties: {a: {type: 'string'}}}}}"));
    post(api, api.thingsDefinition(spec("{a: {minimum: 1}}")));
    post(api, api.thingsDefinition(spec("{a: {type: 'array'}}")));
    post(api, api.thingsDefinition(spec("{a: {type: 'text'}}")));
    post(
        api,
        api.thingsDefinition(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {metadata: {type: 'object',"
                + " properties: {labels: {type: 'object'}}}}}}}"));
    post(api, api.thingsDefinition(spec("{a: {type: 'string', pattern: '('}}")));
  }

  @Proves("A default must itself be valid and pruned: 422 else.")
  void defaultsMustBeValid(Api api) {
    post(api, api.thingsDefinition(spec("{a: {type: 'integer', minimum: 5, default: 1}}")));
    post(api, api.thingsDefinition(spec("{a: {type: 'integer', default: 'x'}}")));
    post(
        api,
        api.thingsDefinition(
            spec("{a: {type: 'object', properties: {b: {type: 'string'}}, default: {c: 1}}}")));
  }

  @Proves(
      "A second definition with the names of another group is no conflict; a name taken within the"
          + " group is not accepted.")
  void nameConflicts(Api api) {
    api.things(spec("{}"));
    api.post(
            CRDS,
            api.thingsDefinition(spec("{}"))
                .replace("name: 'things.{group}'", "name: 'others.{group}'")
                .replace("plural: 'things'", "plural: 'others'")
                .replace("singular: 'thing'", "singular: 'other'"))
        .expect(201);
    api.await(
        "its names are refused",
        () -> api.get(CRDS + "/others.{group}").text().contains("NamesAccepted"));
    JsonNode conditions = api.get(CRDS + "/others.{group}").at("/status/conditions");
    for (JsonNode condition : conditions) {
      if (condition.path("type").asString("").equals("NamesAccepted")) {
        api.show("condition", condition);
        assertThat(condition.path("status").asString("")).isEqualTo("False");
      }
    }
    api.get("/apis/{group}/v1/others").expect(404);
  }

  @Proves("A cluster-scoped kind is served without namespaces.")
  void clusterScope(Api api) {
    api.quietly(() -> {
      api.post(CRDS, api.thingsDefinition(spec("{}")).replace("'Namespaced'", "'Cluster'"))
          .expect(201);
      api.awaitServed("/apis/{group}/v1/things");
    });
    Answer created = api.post("/apis/{group}/v1/things", thing("a", "{}")).expect(201);
    assertThat(created.at("/metadata").has("namespace")).isFalse();
    assertThat(api.get("/apis/{group}/v1/things").names()).containsExactly("a");
    api.get("/apis/{group}/v1/things/a").expect(200);
    api.get("/apis/{group}/v1/namespaces/{ns}/things").expect(404);
    Watch watch = api.watch("/apis/{group}/v1/things");
    watch.next("ADDED", "a");
  }

  @Proves("Several versions without conversion: each serves all objects under its own apiVersion.")
  void severalVersions(Api api) {
    String v2 =
        ", {name: 'v2', served: true, storage: false, schema: {openAPIV3Schema: {type: 'object',"
            + " properties: {spec: {type: 'object', properties: {a: {type: 'string'}, b: {type:"
            + " 'string', default: 'two'}}}}}}}, {name: 'v3', served: false, storage: false,"
            + " schema: {openAPIV3Schema: {type: 'object'}}}]}}";
    String definition = api.thingsDefinition(spec("{a: {type: 'string'}}"));
    api.quietly(() -> {
      api.post(CRDS, definition.substring(0, definition.length() - 3) + v2).expect(201);
      api.awaitServed("/apis/{group}/v1/things");
      api.awaitServed("/apis/{group}/v2/things");
    });
    Answer one =
        api.post("/apis/{group}/v1/namespaces/{ns}/things", thing("a", "{a: 'x'}")).expect(201);
    Answer two = api.get("/apis/{group}/v2/namespaces/{ns}/things/a").expect(200);
    assertThat(two.text("/apiVersion")).isEqualTo(api.group() + "/v2");
    assertThat(two.uid()).isEqualTo(one.uid());
    api.show("as v2", two.at("/spec"));
    Watch watch =
        api.watch("/apis/{group}/v2/namespaces/{ns}/things", "resourceVersion=" + one.version());
    api.patch(MERGE_PATCH, "/apis/{group}/v1/namespaces/{ns}/things/a", "{spec: {a: 'y'}}")
        .expect(200);
    assertThat(watch.next("MODIFIED", "a").object().path("apiVersion").asString(""))
        .isEqualTo(api.group() + "/v2");
    api.get("/apis/{group}/v3/namespaces/{ns}/things").expect(404);
    api.show("discovered", api.get("/apis/{group}").expect(200).at("/preferredVersion"));
  }

  @Proves("A version that is no longer served is gone; storedVersions remembers what was stored.")
  void versionsThatAreNoLongerServed(Api api) {
    String things = api.things(spec("{}"));
    Answer definition = api.get(CRDS + "/things.{group}").expect(200);
    assertThat(definition.at("/status/storedVersions").toString()).isEqualTo("[\"v1\"]");
    ObjectNode changed = (ObjectNode) definition.json();
    ObjectNode old = (ObjectNode) changed.at("/spec/versions/0");
    ObjectNode next = old.deepCopy();
    next.put("name", "v2");
    old.put("served", false).put("storage", false);
    ((ArrayNode) changed.at("/spec/versions")).add(next);
    Answer updated = api.put(CRDS + "/things.{group}", changed).expect(200);
    assertThat(updated.at("/status/storedVersions").toString()).isEqualTo("[\"v1\",\"v2\"]");
    api.await("v1 is gone", () -> api.get(things).code() == 404);
    api.awaitServed("/apis/{group}/v2/things");
  }

  @Proves("The status of a definition is kept by its main path, and its spec by /status.")
  void definitionsStatus(Api api) {
    api.things(spec("{}"));
    Answer before = api.get(CRDS + "/things.{group}").expect(200);
    Answer after =
        api.patch(MERGE_PATCH, CRDS + "/things.{group}", "{status: {storedVersions: []}}")
            .expect(200);
    assertThat(after.at("/status/storedVersions")).isEqualTo(before.at("/status/storedVersions"));
    assertThat(after.version()).isEqualTo(before.version());
  }

  @Proves("What may not change in a definition: 422.")
  void immutableParts(Api api) {
    api.things(spec("{}"));
    api.patch(MERGE_PATCH, CRDS + "/things.{group}", "{spec: {scope: 'Cluster'}}")
        .expect(422, "Invalid");
    api.patch(MERGE_PATCH, CRDS + "/things.{group}", "{spec: {group: 'other.{group}'}}")
        .expect(422, "Invalid");
    api.patch(MERGE_PATCH, CRDS + "/things.{group}", "{spec: {names: {plural: 'others'}}}")
        .expect(422, "Invalid");
  }

  @Proves("The CRD's clean-up finalizer appears only on DELETE.")
  void cleanUpFinalizer(Api api) {
    api.things(spec("{}"));
    assertThat(api.get(CRDS + "/things.{group}").expect(200).at("/metadata").has("finalizers"))
        .isFalse();
    Answer deleted = api.delete(CRDS + "/things.{group}").expect(200);
    assertThat(deleted.text("/metadata/finalizers/0"))
        .isEqualTo("customresourcecleanup.apiextensions.k8s.io");
    assertThat(deleted.text("/metadata/deletionTimestamp")).isNotEmpty();
    api.await("it is gone", () -> api.get(CRDS + "/things.{group}").code() == 404);
  }

  @Proves("Creating while the CRD terminates: 403. Its objects' finalizers hold it.")
  void creatingWhileTheKindTerminates(Api api) {
    String things = api.things(spec("{}"));
    api.post(
            things,
            "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'a', finalizers:"
                + " ['example.com/f']}}")
        .expect(201);
    api.delete(CRDS + "/things.{group}").expect(200);
    api.await(
        "the objects are being deleted",
        () -> api.get(things + "/a").at("/metadata").has("deletionTimestamp"));
    api.await("it is known to terminate", () -> api.post(things, thing("b", "{}")).code() != 201);
    Answer refused = api.post(things, thing("c", "{}"));
    refused.expect(403, "Forbidden");
    api.get(things + "/a").expect(200);
    api.patch(MERGE_PATCH, things + "/a", "{metadata: {finalizers: null}}").expect(200);
    api.await("the definition is gone", () -> api.get(CRDS + "/things.{group}").code() == 404);
  }

  // ---- validation

  @Proves("Validation: types. 422 with the field, the value and the type.")
  void types(Api api) {
    String things =
        api.things(
            spec(
                "{s: {type: 'string'}, i: {type: 'integer'}, n: {type: 'number'}, b: {type:"
                    + " 'boolean'}, a: {type: 'array', items: {type: 'string'}}, o: {type:"
                    + " 'object', additionalProperties: {type: 'integer'}}}"));
    for (String bad :
        List.of(
            "{s: 1}",
            "{i: '1'}",
            "{i: 1.5}",
            "{n: '1'}",
            "{b: 'true'}",
            "{a: 'x'}",
            "{a: [1]}",
            "{a: ['x', null]}",
            "{o: {k: 'v'}}",
            "{o: []}",
            "{s: {}}")) {
      invalid(api, things, bad);
    }
    Answer good = valid(api, things, "a", "{s: 's', i: 1, n: 1.5, b: true, a: ['x'], o: {k: 1}}");
    api.show("spec", good.at("/spec"));
    valid(api, things, "b", "{n: 1}");
    valid(api, things, "c", "{i: 1.0}");
  }

  @Proves("Validation: several errors come together, each as a cause.")
  void severalErrors(Api api) {
    Answer answer =
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a'},"
                    + " spec: {size: 101, color: 'mauve', parts: [1]}}")
            .expect(422, "Invalid");
    assertThat(answer.causes()).hasSize(3);
  }

  @Proves("Validation: required, enum, bounds, lengths, pattern, multipleOf.")
  void constraints(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {spec: {type: 'object',"
                + " required: ['r'], minProperties: 1, maxProperties: 3, properties: {r: {type:"
                + " 'string'}, e: {type: 'string', enum: ['x', 'y']}, min: {type: 'integer',"
                + " minimum: 2}, max: {type: 'integer', maximum: 3}, xmin: {type: 'integer',"
                + " minimum: 2, exclusiveMinimum: true}, len: {type: 'string', minLength: 2,"
                + " maxLength: 3}, p: {type: 'string', pattern: '^a+$'}, m: {type: 'integer',"
                + " multipleOf: 5}, list: {type: 'array', minItems: 1, maxItems: 2, items: {type:"
                + " 'string'}}, f: {type: 'number', maximum: 2.5}}}}}}}");
    for (String bad :
        List.of(
            "{e: 'x'}",
            "{r: 'r', e: 'z'}",
            "{r: 'r', min: 1}",
            "{r: 'r', max: 4}",
            "{r: 'r', xmin: 2}",
            "{r: 'r', len: 'a'}",
            "{r: 'r', len: 'abcd'}",
            "{r: 'r', p: 'b'}",
            "{r: 'r', m: 7}",
            "{r: 'r', list: []}",
            "{r: 'r', list: ['a', 'b', 'c']}",
            "{r: 'r', e: 'x', min: 2, max: 3}",
            "{r: 'r', f: 2.6}",
            "{}")) {
      invalid(api, things, bad);
    }
    valid(api, things, "a", "{r: 'r', e: 'y'}");
    valid(api, things, "b", "{r: 'r', len: 'äöü', p: 'aaa'}");
  }

  @Proves("Validation: allOf, anyOf, oneOf and not.")
  void combinations(Api api) {
    String things =
        api.things(
            spec(
                "{any: {type: 'integer', anyOf: [{minimum: 10}, {maximum: 2}]}, one: {type:"
                    + " 'integer', oneOf: [{minimum: 5}, {maximum: 7}]}, all: {type: 'integer',"
                    + " allOf: [{minimum: 5}, {maximum: 7}]}, no: {type: 'integer', not: {minimum:"
                    + " 5}}}"));
    for (String bad : List.of("{any: 5}", "{one: 6}", "{all: 4}", "{no: 6}")) {
      invalid(api, things, bad);
    }
    valid(api, things, "a", "{any: 1, one: 9, all: 6, no: 4}");
  }

  @Proves(
      "format: date-time violations: reason FieldValueTypeInvalid. Formats that are not known are"
          + " ignored.")
  void formats(Api api) {
    String things =
        api.things(
            spec(
                "{t: {type: 'string', format: 'date-time'}, d: {type: 'string', format: 'date'}, b:"
                    + " {type: 'string', format: 'byte'}, u: {type: 'string', format: 'uuid'}, e:"
                    + " {type: 'string', format: 'email'}, i: {type: 'string', format: 'ipv4'},"
                    + " dur: {type: 'string', format: 'duration'}, x: {type: 'string', format:"
                    + " 'shoe-size'}, n: {type: 'integer', format: 'int32'}}"));
    Answer answer = invalid(api, things, "{t: 'yesterday'}");
    assertThat(answer.causes()).containsExactly("FieldValueTypeInvalid spec.t");
    for (String bad :
        List.of(
            "{t: '2020-13-01T00:00:00Z'}",
            "{d: '01.02.2020'}",
            "{b: 'no base64!'}",
            "{u: 'x'}",
            "{e: 'x'}",
            "{i: '1.2.3'}",
            "{dur: 'long'}",
            "{n: 3000000000}")) {
      invalid(api, things, bad);
    }
    valid(
        api,
        things,
        "a",
        "{t: '2020-01-01T00:00:00Z', d: '2020-01-01', b: 'aGk=', u:"
            + " '123e4567-e89b-12d3-a456-426614174000', e: 'a@b.c', i: '1.2.3.4', dur: '5s', x:"
            + " 'wide', n: 5}");
  }

  @Proves(
      "nullable: null is kept where it is allowed; elsewhere it is dropped for a default or"
          + " refused.")
  void nulls(Api api) {
    String things =
        api.things(
            spec(
                "{nullable: {type: 'string', nullable: true}, plain: {type: 'string'}, defaulted:"
                    + " {type: 'string', default: 'd'}, both: {type: 'string', nullable: true,"
                    + " default: 'd'}, keep: {type: 'object',"
                    + " 'x-kubernetes-preserve-unknown-fields': true}}"));
    Answer kept =
        valid(
            api,
            things,
            "a",
            "{plain: null, nullable: null, defaulted: null, both: null, keep: {a: null}}");
    api.show("spec", kept.at("/spec"));
  }

  @Proves("x-kubernetes-int-or-string takes both, and nothing else.")
  void intOrString(Api api) {
    String things = api.things(spec("{p: {'x-kubernetes-int-or-string': true}}"));
    api.show("spec", valid(api, things, "a", "{p: 80}").at("/spec"));
    api.show("spec", valid(api, things, "b", "{p: '80%'}").at("/spec"));
    invalid(api, things, "{p: true}");
    invalid(api, things, "{p: 1.5}");
  }

  @Proves("x-kubernetes-list-type set and map refuse duplicates: FieldValueDuplicate.")
  void listTypes(Api api) {
    String things =
        api.things(
            spec(
                "{set: {type: 'array', 'x-kubernetes-list-type': 'set', items: {type: 'string'}},"
                    + " map: {type: 'array', 'x-kubernetes-list-type': 'map',"
                    + " 'x-kubernetes-list-map-keys': ['name'], items: {type: 'object', required:"
                    + " ['name'], properties: {name: {type: 'string'}, v: {type: 'integer'}}}}}"));
    assertThat(invalid(api, things, "{set: ['a', 'b', 'a']}").causes())
        .containsExactly("FieldValueDuplicate spec.set[2]");
    assertThat(invalid(api, things, "{map: [{name: 'a'}, {name: 'a', v: 1}]}").causes())
        .containsExactly("FieldValueDuplicate spec.map[1]");
    valid(api, things, "a", "{set: ['a', 'b'], map: [{name: 'a'}, {name: 'b'}]}");
  }

  @Proves("Validation rules in CEL: 422 with the rule's message.")
  @Deliberate("CEL rules are accepted and kept, but not evaluated yet.")
  void celRules(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {spec: {type: 'object',"
                + " 'x-kubernetes-validations': [{rule: 'self.min <= self.max', message: 'min above"
                + " max'}], properties: {min: {type: 'integer'}, max: {type: 'integer'}, fixed:"
                + " {type: 'string', 'x-kubernetes-validations': [{rule: 'self == oldSelf',"
                + " message: 'fixed is fixed'}]}}}}}}}");
    invalid(api, things, "{min: 5, max: 1}");
    valid(api, things, "a", "{min: 1, max: 5, fixed: 'x'}");
    api.patch(MERGE_PATCH, things + "/a", "{spec: {fixed: 'y'}}").expect(422, "Invalid");
  }

  @Proves("The status is validated on /status, the spec is not looked at there.")
  void statusIsValidated(Api api) {
    api.widget("a");
    api.patch(MERGE_PATCH, WIDGETS + "/a/status", "{status: {observedGeneration: 'x'}}")
        .expect(422, "Invalid");
    Answer updated =
        api.patch(MERGE_PATCH, WIDGETS + "/a/status", "{status: {phase: 'x', unknown: 1}}")
            .expect(200);
    api.show("status", updated.at("/status"));
  }

  @Proves(
      "An update is validated as a creation is; what was invalid before may stay as it was"
          + " (ratcheting).")
  void ratcheting(Api api) {
    String things = api.things(spec("{a: {type: 'integer'}, b: {type: 'integer'}}"));
    valid(api, things, "a", "{a: 50, b: 1}");
    api.quietly(() -> {
      api.patch(
              JSON_PATCH,
              CRDS + "/things.{group}",
              "[{op: 'add', path:"
                  + " '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/a/maximum',"
                  + " value: 10}]")
          .expect(200);
      api.awaitServed("/apis/{group}/v1/things");
      api.await(
          "the new schema is in force",
          () -> api.post(things, thing("probe", "{a: 50}"), "dryRun=All").code() == 422);
    });
    api.patch(MERGE_PATCH, things + "/a", "{spec: {b: 2}}").expect(200);
    api.patch(MERGE_PATCH, things + "/a", "{spec: {a: 51}}").expect(422, "Invalid");
  }

  // ---- defaulting and pruning

  @Proves("Defaulting: on creation, at every depth whose parent is there, and in lists.")
  void defaulting(Api api) {
    String things =
        api.things(
            spec(
                "{a: {type: 'string', default: 'x'}, n: {type: 'integer', default: 5}, o: {type:"
                    + " 'object', properties: {b: {type: 'string', default: 'y'}}}, od: {type:"
                    + " 'object', default: {}, properties: {c: {type: 'string', default: 'z'}}}, l:"
                    + " {type: 'array', items: {type: 'object', properties: {p: {type: 'string',"
                    + " default: 'TCP'}, q: {type: 'integer'}}}}, f: {type: 'number', default:"
                    + " 1.5}, t: {type: 'boolean', default: true}}"));
    api.show("empty", valid(api, things, "a", "{}").at("/spec"));
    api.show(
        "full",
        valid(api, things, "b", "{a: 'mine', o: {}, od: {}, l: [{q: 1}, {p: 'UDP'}]}").at("/spec"));
    Answer specless =
        api.post(things, "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'c'}}")
            .expect(201);
    assertThat(specless.json().has("spec")).isFalse();
  }

  @Proves(
      "Defaulting: on reading as well, for what was stored before the schema had the default; the"
          + " version stays.")
  void defaultingOnRead(Api api) {
    String things = api.things(spec("{a: {type: 'string'}}"));
    Answer stored = valid(api, things, "a", "{}");
    api.quietly(() -> {
      api.patch(
              JSON_PATCH,
              CRDS + "/things.{group}",
              "[{op: 'add', path:"
                  + " '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/a/default',"
                  + " value: 'late'}]")
          .expect(200);
      api.await(
          "the default is in force", () -> api.get(things + "/a").text("/spec/a").equals("late"));
      api.awaitServed("/apis/{group}/v1/things");
    });
    Answer read = api.get(things + "/a").expect(200);
    assertThat(read.text("/spec/a")).isEqualTo("late");
    assertThat(read.version()).isEqualTo(stored.version());
    assertThat(api.get(things).text("/items/0/spec/a")).isEqualTo("late");
    assertThat(api.watch(things).next("ADDED", "a").object().at("/spec/a").asString(""))
        .isEqualTo("late");
  }

  @Proves("A default is applied on update, too: what a PUT leaves out comes back.")
  void defaultingOnUpdate(Api api) {
    Answer created = api.widget("a");
    assertThat(created.text("/spec/color")).isEqualTo("blue");
    api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {color: 'red'}}").expect(200);
    Answer reset = api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {color: null}}").expect(200);
    assertThat(reset.text("/spec/color")).isEqualTo("blue");
  }

  @Proves(
      "Pruning: unknown fields are dropped at every depth, except under"
          + " x-kubernetes-preserve-unknown-fields.")
  void pruning(Api api) {
    String things =
        api.things(
            spec(
                "{o: {type: 'object', properties: {k: {type: 'string'}}}, l: {type: 'array', items:"
                    + " {type: 'object', properties: {k: {type: 'string'}}}}, m: {type: 'object',"
                    + " additionalProperties: {type: 'string'}}, keep: {type: 'object',"
                    + " 'x-kubernetes-preserve-unknown-fields': true, properties: {strict: {type:"
                    + " 'object', properties: {k: {type: 'string'}}}}}}"));
    Answer created =
        valid(
            api,
            things,
            "a",
            "{x: 1, o: {k: 'v', x: 1}, l: [{k: 'v', x: 1}], m: {any: 'v'}, keep: {any: {thing: [1,"
                + " {goes: true}]}, strict: {k: 'v', x: 1}}}");
    api.show("spec", created.at("/spec"));
    Answer top =
        api.post(
                things,
                "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'b'}, extra: 1, spec:"
                    + " {}}")
            .expect(201);
    assertThat(top.json().has("extra")).isFalse();
  }

  @Proves("Pruning of metadata: unknown fields of metadata are dropped.")
  void pruningOfMetadata(Api api) {
    Answer created =
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a',"
                    + " extra: 'x', labels: {a: 'b'}}}")
            .expect(201);
    assertThat(created.at("/metadata").has("extra")).isFalse();
    assertThat(created.text("/metadata/labels/a")).isEqualTo("b");
  }

  @Proves("A schema that preserves unknown fields at its root keeps everything.")
  void preservingEverything(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', 'x-kubernetes-preserve-unknown-fields':"
                + " true}}}");
    Answer created =
        api.post(
                things,
                "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'a'}, anything: {goes:"
                    + " [1, 'two', null, {three: 3.5}]}, big: 9007199254740993, small: 1e-7}")
            .expect(201);
    ObjectNode shown = (ObjectNode) created.json();
    shown.remove("metadata");
    api.show("kept", shown);
  }

  @Proves("Embedded resources: apiVersion, kind and metadata inside are validated and kept.")
  void embeddedResources(Api api) {
    String things =
        api.things(
            spec(
                "{inner: {type: 'object', 'x-kubernetes-embedded-resource': true,"
                    + " 'x-kubernetes-preserve-unknown-fields': true}}"));
    invalid(api, things, "{inner: {a: 1}}");
    Answer kept =
        valid(
            api,
            things,
            "a",
            "{inner: {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'p', labels: {a: 'b'}}, spec:"
                + " {a: 1}}}");
    api.show("spec", kept.at("/spec"));
  }

  @Proves("The scale subresource reads and writes the paths that the definition names.")
  void scale(Api api) {
    String things =
        api.things(
            "{subresources: {scale: {specReplicasPath: '.spec.replicas', statusReplicasPath:"
                + " '.status.replicas'}, status: {}}, schema: {openAPIV3Schema: {type: 'object',"
                + " properties: {spec: {type: 'object', properties: {replicas: {type: 'integer'}}},"
                + " status: {type: 'object', properties: {replicas: {type: 'integer'}}}}}}}");
    valid(api, things, "a", "{replicas: 3}");
    Answer scale = api.get(things + "/a/scale").expect(200);
    api.show("scale", scale.json());
    assertThat(scale.at("/spec/replicas").asInt(0)).isEqualTo(3);
    api.patch(MERGE_PATCH, things + "/a/scale", "{spec: {replicas: 5}}").expect(200);
    assertThat(api.get(things + "/a").at("/spec/replicas").asInt(0)).isEqualTo(5);
  }

  @Proves(
      "Numbers keep their kind: integers beyond 53 bits, and floats, come back as they were sent.")
  void numbers(Api api) {
    api.send(
            "POST",
            WIDGETS,
            "{\"apiVersion\":\"contract.sluice.dev/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"free\":{\"big\":9007199254740993,\"negative\":-9223372036854775808,\"float\":1.5,\"whole\":2.0,\"exponent\":1e3,\"tiny\":1e-7}}}",
            "Content-Type",
            Api.JSON)
        .expect(201);
    String text = api.get(WIDGETS + "/a").expect(200).text();
    int start = text.indexOf("\"free\"");
    api.note(text.substring(start, text.indexOf('}', start) + 1));
    assertThat(text)
        .contains("\"big\":9007199254740993")
        .contains("\"negative\":-9223372036854775808");
    assertThat(Json.parse(text).at("/spec/free/float").asDouble(0)).isEqualTo(1.5);
  }
}
