package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.DEPLOYMENTS;
import static dev.sluice.contract.Api.JSON_PATCH;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.SECRETS;
import static dev.sluice.contract.Api.SERVICES;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Deliberate;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

@Chapter(value = "Objects", order = 3)
public abstract class ObjectCases {
  private static final String POD =
      "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i'}]}}";

  static final String DEPLOYMENT =
      "{metadata: {name: 'a'}, spec: {selector: {matchLabels: {app: 'x'}}, template: {metadata:"
          + " {labels: {app: 'x'}}, spec: {containers: [{name: 'c', image: 'i'}]}}}}";

  private static String widget(String rest) {
    return "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', " + rest + "}";
  }

  /** An object as it was answered, to be changed and sent back. */
  private static ObjectNode edited(Answer answer) {
    return (ObjectNode) answer.json();
  }

  private static ObjectNode metadata(ObjectNode object) {
    return (ObjectNode) object.path("metadata");
  }

  // ---- create and read

  @Proves(
      "A created object comes back with uid, resourceVersion and creationTimestamp, and is read"
          + " back the same.")
  void createAndRead(Api api) {
    Answer created = api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: 'v'}}").expect(201);
    assertThat(created.uid()).hasSize(36);
    Api.assertVersion(created.version());
    assertThat(created.text("/metadata/creationTimestamp"))
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    Answer read = api.get(CONFIG_MAPS + "/a").expect(200);
    assertThat(read.json()).isEqualTo(created.json());
    api.show("created", created.json());
  }

  @Proves("A custom resource comes back with generation 1 as well.")
  void createCustomResource(Api api) {
    Answer created =
        api.post(WIDGETS, widget("metadata: {name: 'a'}, spec: {size: 2}")).expect(201);
    api.show("created", created.json());
    assertThat(api.get(WIDGETS + "/a").expect(200).json()).isEqualTo(created.json());
  }

  @Proves("What is not there: 404 NotFound with name and kind, which is the resource's plural.")
  void notFound(Api api) {
    api.get(CONFIG_MAPS + "/a").expect(404, "NotFound");
    api.get(WIDGETS + "/a").expect(404, "NotFound");
    api.delete(CONFIG_MAPS + "/a").expect(404, "NotFound");
    api.put(CONFIG_MAPS + "/a", "{metadata: {name: 'a'}}").expect(404, "NotFound");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {}}").expect(404, "NotFound");
    api.get(DEPLOYMENTS + "/a").expect(404, "NotFound");
  }

  @Proves("A name that is taken: 409 AlreadyExists.")
  void alreadyExists(Api api) {
    api.configMap("a");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}}").expect(409, "AlreadyExists");
    api.widget("a");
    api.post(WIDGETS, widget("metadata: {name: 'a'}")).expect(409, "AlreadyExists");
  }

  @Proves("generateName adds five characters, of those that spell no words.")
  void generateName(Api api) {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      Answer[] created = new Answer[1];
      api.quietly(
          () -> created[0] = api.post(CONFIG_MAPS, "{metadata: {generateName: 'a-'}}").expect(201));
      assertThat(created[0].name()).matches("a-[bcdfghjklmnpqrstvwxz2456789]{5}");
      assertThat(created[0].text("/metadata/generateName")).isEqualTo("a-");
      names.add(created[0].name());
    }
    assertThat(names).hasSize(10);
    Answer custom = api.post(WIDGETS, widget("metadata: {generateName: 'w-'}"));
    assertThat(custom.name()).matches("w-[bcdfghjklmnpqrstvwxz2456789]{5}");
    api.mask(custom.name(), "{generated}");
  }

  @Proves(
      "A name beside generateName wins; a prefix that is too long is cut so that the name fits.")
  void generateNameAtItsEdges(Api api) {
    Answer both = api.post(CONFIG_MAPS, "{metadata: {name: 'a', generateName: 'b-'}}").expect(201);
    assertThat(both.name()).isEqualTo("a");
    Answer[] cut = new Answer[1];
    api.quietly(() ->
        cut[0] =
            api.post(CONFIG_MAPS, "{metadata: {generateName: '" + "a".repeat(100) + "'}}")
                .expect(201));
    assertThat(cut[0].name()).matches("a{58}[bcdfghjklmnpqrstvwxz2456789]{5}");
  }

  @Proves("Neither name nor generateName: 422, cause metadata.name.")
  void nameless(Api api) {
    assertThat(api.post(CONFIG_MAPS, "{metadata: {}}").expect(422, "Invalid").causes())
        .contains("FieldValueRequired metadata.name");
    assertThat(api.post(WIDGETS, widget("metadata: {}")).expect(422, "Invalid").causes())
        .contains("FieldValueRequired metadata.name");
  }

  @Proves(
      "Names must be DNS subdomains, labels and annotations well-formed: 422 with the field and the"
          + " rule.")
  void malformedMetadata(Api api) {
    for (String name : List.of("A", "a_b", "-a", "a.", "a/b", "a".repeat(254))) {
      api.post(CONFIG_MAPS, "{metadata: {name: '" + name + "'}}").expect(422, "Invalid");
    }
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', labels: {'a b': 'c'}}}").expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', labels: {a: 'b c'}}}").expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', labels: {a: '" + "x".repeat(64) + "'}}}")
        .expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', annotations: {'a b': 'c'}}}")
        .expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', finalizers: ['nodomain']}}")
        .expect(422, "Invalid");
    api.post(WIDGETS, widget("metadata: {name: 'A_B', labels: {a: 'b c'}}")).expect(422, "Invalid");
  }

  @Proves("Annotations hold 256 KiB in all; more: 422.")
  void annotationsAreBounded(Api api) {
    api.quietly(() ->
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'a', annotations: {k: '" + "x".repeat(262_143) + "'}}}")
            .expect(201));
    api.post(
            CONFIG_MAPS, "{metadata: {name: 'b', annotations: {k: '" + "x".repeat(262_144) + "'}}}")
        .expect(422, "Invalid");
  }

  @Proves("A namespace in the body that is not the path's: 400.")
  void anotherNamespace(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', namespace: 'elsewhere'}}")
        .expect(400, "BadRequest");
    api.post(WIDGETS, widget("metadata: {name: 'a', namespace: 'elsewhere'}"))
        .expect(400, "BadRequest");
  }

  @Proves("A namespace that does not exist: 404.")
  void missingNamespace(Api api) {
    api.post("/api/v1/namespaces/there-is-none/configmaps", "{metadata: {name: 'a'}}")
        .expect(404, "NotFound");
    api.post(
            "/apis/contract.sluice.dev/v1/namespaces/there-is-none/widgets",
            widget("metadata: {name: 'a'}"))
        .expect(404, "NotFound");
  }

  @Proves("POST with metadata.resourceVersion set: 500.")
  void createWithAVersion(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', resourceVersion: '1'}}").expect(500);
    api.post(WIDGETS, widget("metadata: {name: 'a', resourceVersion: '1'}")).expect(500);
  }

  @Proves(
      "What the server sets is ignored when it is sent: uid, creationTimestamp, generation,"
          + " deletionTimestamp, selfLink.")
  void serversFieldsAreIgnored(Api api) {
    Answer created =
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'a', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z',"
                    + " generation: 7, deletionTimestamp: '2001-01-01T00:00:00Z',"
                    + " deletionGracePeriodSeconds: 5, selfLink: '/x'}}")
            .expect(201);
    assertThat(created.uid()).hasSize(36);
    assertThat(created.text("/metadata/creationTimestamp")).doesNotStartWith("2001");
    api.show("created", created.json());
    Answer custom =
        api.post(
                WIDGETS,
                widget(
                    "metadata: {name: 'a', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z',"
                        + " generation: 7, deletionTimestamp: '2001-01-01T00:00:00Z'}"))
            .expect(201);
    api.show("created", custom.json());
  }

  // ---- update

  @Proves("Stale PUT: 409 Conflict.")
  void stalePut(Api api) {
    Answer a = api.configMap("a");
    api.touch("a", "2");
    api.put(CONFIG_MAPS + "/a", edited(a)).expect(409, "Conflict");
    Answer w = api.widget("w");
    api.quietly(() -> api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {size: 2}}").expect(200));
    api.put(WIDGETS + "/w", edited(w)).expect(409, "Conflict");
  }

  @Proves("PUT with the present version: 200 and a new version.")
  void freshPut(Api api) {
    Answer a = api.configMap("a");
    ObjectNode changed = edited(a);
    ((ObjectNode) changed.path("data")).put("k", "2");
    Answer updated = api.put(CONFIG_MAPS + "/a", changed).expect(200);
    assertThat(updated.versionNumber()).isGreaterThan(a.versionNumber());
    assertThat(updated.text("/data/k")).isEqualTo("2");
    assertThat(updated.uid()).isEqualTo(a.uid());
  }

  @Proves("PUT of a built-in kind without a version overwrites whatever is there.")
  void unconditionalPut(Api api) {
    api.configMap("a");
    Answer updated =
        api.put(CONFIG_MAPS + "/a", "{metadata: {name: 'a'}, data: {other: '1'}}").expect(200);
    assertThat(updated.at("/data").propertyNames()).containsExactly("other");
  }

  @Proves("PUT of a custom resource without a version: 422.")
  void customPutWithoutVersion(Api api) {
    api.widget("a");
    assertThat(
            api.put(WIDGETS + "/a", widget("metadata: {name: 'a'}, spec: {size: 2}"))
                .expect(422, "Invalid")
                .causes())
        .containsExactly("FieldValueInvalid metadata.resourceVersion");
  }

  @Proves("PUT with another uid: 409 Conflict.")
  void putWithAnotherUid(Api api) {
    Answer a = api.configMap("a");
    ObjectNode changed = edited(a);
    metadata(changed).put("uid", "00000000-0000-0000-0000-000000000000");
    api.put(CONFIG_MAPS + "/a", changed).expect(409, "Conflict");
  }

  @Proves("PUT with a version that is no number: 500.")
  void putWithAnUnreadableVersion(Api api) {
    api.configMap("a");
    api.put(CONFIG_MAPS + "/a", "{metadata: {name: 'a', resourceVersion: 'abc'}}").expect(500);
  }

  @Proves("PUT under another name: 400.")
  void putUnderAnotherName(Api api) {
    api.configMap("a");
    api.put(CONFIG_MAPS + "/a", "{metadata: {name: 'b'}}").expect(400, "BadRequest");
    Answer w = api.widget("w");
    ObjectNode changed = edited(w);
    metadata(changed).put("name", "x");
    api.put(WIDGETS + "/w", changed).expect(400, "BadRequest");
  }

  @Proves("PUT to a missing ConfigMap or custom resource: 404.")
  void putToAMissingObject(Api api) {
    api.put(CONFIG_MAPS + "/a", "{metadata: {name: 'a'}}").expect(404, "NotFound");
    api.put(WIDGETS + "/a", widget("metadata: {name: 'a', resourceVersion: '1'}"))
        .expect(404, "NotFound");
  }

  @Proves("A write that changes nothing keeps the version and makes no event.")
  void unchangedKeepsItsVersion(Api api) {
    Answer a = api.configMap("a");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    assertThat(api.put(CONFIG_MAPS + "/a", edited(a)).expect(200).version()).isEqualTo(a.version());
    assertThat(api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {k: 'v'}}").expect(200).version())
        .isEqualTo(a.version());
    assertThat(
            api.patch(JSON_PATCH, CONFIG_MAPS + "/a", "[{op: 'test', path: '/data/k', value: 'v'}]")
                .expect(200)
                .version())
        .isEqualTo(a.version());
    assertThat(
            api.patch(Api.STRATEGIC_PATCH, CONFIG_MAPS + "/a", "{data: {k: 'v'}}")
                .expect(200)
                .version())
        .isEqualTo(a.version());
    api.touch("a", "2");
    assertThat(watch.next("MODIFIED", "a").object().at("/data/k").asString("")).isEqualTo("2");
  }

  @Proves(
      "A write to a custom resource that changes nothing keeps version and generation and makes no"
          + " event.")
  void unchangedCustomResource(Api api) {
    Answer a = api.widget("a");
    Watch watch = api.watch(WIDGETS, "resourceVersion=" + a.version());
    assertThat(api.put(WIDGETS + "/a", edited(a)).expect(200).version()).isEqualTo(a.version());
    assertThat(api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {size: 1}}").expect(200).version())
        .isEqualTo(a.version());
    api.quietly(() -> api.delete(WIDGETS + "/a").expect(200));
    watch.next("DELETED", "a");
  }

  @Proves("Changed creationTimestamp and generation are ignored.")
  void changedServersFieldsAreIgnored(Api api) {
    Answer a = api.widget("a");
    ObjectNode changed = edited(a);
    metadata(changed).put("creationTimestamp", "2001-01-01T00:00:00Z");
    metadata(changed).put("generation", 9);
    Answer updated = api.put(WIDGETS + "/a", changed).expect(200);
    assertThat(updated.text("/metadata/creationTimestamp"))
        .isEqualTo(a.text("/metadata/creationTimestamp"));
    assertThat(updated.at("/metadata/generation").asInt(0)).isEqualTo(1);
    Answer b = api.configMap("b");
    ObjectNode changedToo = edited(b);
    metadata(changedToo).put("creationTimestamp", "2001-01-01T00:00:00Z");
    assertThat(api.put(CONFIG_MAPS + "/b", changedToo).expect(200).version())
        .isEqualTo(b.version());
  }

  @Proves("Setting deletionTimestamp by update: 422.")
  void deletionTimestampByUpdate(Api api) {
    Answer a = api.widget("a");
    ObjectNode changed = edited(a);
    metadata(changed).put("deletionTimestamp", "2001-01-01T00:00:00Z");
    api.put(WIDGETS + "/a", changed).expect(422, "Invalid");
    Answer b = api.configMap("b");
    ObjectNode changedToo = edited(b);
    metadata(changedToo).put("deletionTimestamp", "2001-01-01T00:00:00Z");
    api.put(CONFIG_MAPS + "/b", changedToo).expect(422, "Invalid");
  }

  // ---- generation and status

  @Proves(
      "Custom resources: generation starts at 1 and grows with changes outside metadata, not with"
          + " labels.")
  void generationOfCustomResources(Api api) {
    Answer a = api.widget("a");
    assertThat(a.at("/metadata/generation").asInt(0)).isEqualTo(1);
    assertThat(generation(api.patch(MERGE_PATCH, WIDGETS + "/a", "{metadata: {labels: {a: 'b'}}}")))
        .isEqualTo(1);
    assertThat(generation(api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {size: 2}}")))
        .isEqualTo(2);
    assertThat(
            generation(api.patch(MERGE_PATCH, WIDGETS + "/a/status", "{status: {phase: 'Ready'}}")))
        .isEqualTo(2);
  }

  @Proves("Without a status subresource a change of status is a change like any other.")
  void generationWithoutStatusSubresource(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {spec: {type: 'object', x-kubernetes-preserve-unknown-fields: true}, status: {type: 'object', x-kubernetes-preserve-unknown-fields: true}}}}}"
                .replace(
                    "x-kubernetes-preserve-unknown-fields",
                    "'x-kubernetes-preserve-unknown-fields'"));
    Answer created =
        api.post(
                things,
                "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'a'}, status: {phase:"
                    + " 'x'}}")
            .expect(201);
    assertThat(created.text("/status/phase")).isEqualTo("x");
    assertThat(generation(api.patch(MERGE_PATCH, things + "/a", "{status: {phase: 'y'}}")))
        .isEqualTo(2);
    api.get(things + "/a/status").expect(404);
    api.patch(MERGE_PATCH, things + "/a/status", "{status: {phase: 'z'}}").expect(404);
  }

  private static int generation(Answer answer) {
    return answer.expect(200).at("/metadata/generation").asInt(0);
  }

  @Proves("With a /status subresource creation drops the status, and the main PUT ignores it.")
  void mainPathIgnoresStatus(Api api) {
    Answer created =
        api.post(WIDGETS, widget("metadata: {name: 'a'}, spec: {size: 1}, status: {phase: 'x'}"))
            .expect(201);
    assertThat(created.json().has("status")).isFalse();
    ObjectNode changed = edited(created);
    changed.putObject("status").put("phase", "y");
    Answer updated = api.put(WIDGETS + "/a", changed).expect(200);
    assertThat(updated.json().has("status")).isFalse();
    assertThat(updated.version()).isEqualTo(created.version());
    Answer patched =
        api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {size: 2}, status: {phase: 'z'}}")
            .expect(200);
    assertThat(patched.json().has("status")).isFalse();
    assertThat(patched.at("/spec/size").asInt(0)).isEqualTo(2);
  }

  @Proves("The status PUT keeps spec and metadata.")
  void statusPathKeepsTheRest(Api api) {
    Answer created = api.widget("a");
    ObjectNode changed = edited(created);
    changed.putObject("status").put("phase", "Ready");
    ((ObjectNode) changed.path("spec")).put("size", 9);
    metadata(changed).putObject("labels").put("a", "b");
    metadata(changed).putArray("finalizers").add("example.com/f");
    Answer updated = api.put(WIDGETS + "/a/status", changed).expect(200);
    assertThat(updated.text("/status/phase")).isEqualTo("Ready");
    assertThat(updated.at("/spec/size").asInt(0)).isEqualTo(1);
    assertThat(updated.at("/metadata").has("labels")).isFalse();
    assertThat(updated.at("/metadata").has("finalizers")).isFalse();
    assertThat(updated.at("/metadata/generation").asInt(0)).isEqualTo(1);
    assertThat(updated.versionNumber()).isGreaterThan(created.versionNumber());
    assertThat(api.get(WIDGETS + "/a/status").expect(200).json()).isEqualTo(updated.json());
  }

  @Proves("A stale status PUT: 409; the status makes an event like any change.")
  void statusIsAWriteLikeAnother(Api api) {
    Answer created = api.widget("a");
    Watch watch = api.watch(WIDGETS, "resourceVersion=" + created.version());
    api.patch(MERGE_PATCH, WIDGETS + "/a/status", "{status: {phase: 'x'}}").expect(200);
    watch.next("MODIFIED", "a");
    ObjectNode stale = edited(created);
    stale.putObject("status").put("phase", "y");
    api.put(WIDGETS + "/a/status", stale).expect(409, "Conflict");
  }

  @Proves("Pods take labels and annotations through /status, and keep their spec.")
  void podStatusTakesLabels(Api api) {
    Answer created = api.post(PODS, POD).expect(201);
    ObjectNode changed = edited(created);
    metadata(changed).putObject("labels").put("a", "b");
    metadata(changed).putObject("annotations").put("c", "d");
    ((ObjectNode) changed.path("status")).put("phase", "Running");
    ((ObjectNode) changed.at("/spec/containers/0")).put("image", "other");
    Answer updated = api.put(PODS + "/a/status", changed).expect(200);
    assertThat(updated.text("/metadata/labels/a")).isEqualTo("b");
    assertThat(updated.text("/metadata/annotations/c")).isEqualTo("d");
    assertThat(updated.text("/status/phase")).isEqualTo("Running");
    assertThat(updated.text("/spec/containers/0/image")).isEqualTo("i");
  }

  @Proves("Deployments do not: their /status keeps labels and spec.")
  void deploymentStatusKeepsTheRest(Api api) {
    Answer created = api.post(DEPLOYMENTS, DEPLOYMENT).expect(201);
    ObjectNode changed = edited(created);
    metadata(changed).putObject("labels").put("a", "b");
    changed.putObject("status").put("observedGeneration", 1).put("replicas", 1);
    ((ObjectNode) changed.path("spec")).put("replicas", 5);
    Answer updated = api.put(DEPLOYMENTS + "/a/status", changed).expect(200);
    assertThat(updated.at("/status/replicas").asInt(0)).isEqualTo(1);
    assertThat(updated.at("/spec/replicas").asInt(0)).isEqualTo(1);
    assertThat(updated.at("/metadata").has("labels")).isFalse();
  }

  @Proves(
      "Deployments: generation starts at 1 and grows with the spec; the main PUT ignores status.")
  void generationOfDeployments(Api api) {
    assertThat(api.post(DEPLOYMENTS, DEPLOYMENT).expect(201).at("/metadata/generation").asInt(0))
        .isEqualTo(1);
    assertThat(
            generation(
                api.patch(MERGE_PATCH, DEPLOYMENTS + "/a", "{metadata: {labels: {a: 'b'}}}")))
        .isEqualTo(1);
    assertThat(generation(api.patch(MERGE_PATCH, DEPLOYMENTS + "/a", "{spec: {replicas: 2}}")))
        .isEqualTo(2);
    Answer status =
        api.patch(MERGE_PATCH, DEPLOYMENTS + "/a", "{status: {replicas: 2}}").expect(200);
    assertThat(status.at("/status").has("replicas")).isFalse();
    assertThat(generation(status)).isEqualTo(2);
  }

  @Proves("ConfigMaps, Secrets and others have no generation.")
  void kindsWithoutGeneration(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}}");
    api.post(SECRETS, "{metadata: {name: 'a'}}");
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{port: 80}]}}");
    api.post("/api/v1/namespaces/{ns}/serviceaccounts", "{metadata: {name: 'a'}}");
    api.post(Api.LEASES, "{metadata: {name: 'a'}}");
    api.post(PODS, POD);
    for (String path :
        List.of(
            CONFIG_MAPS,
            SECRETS,
            SERVICES,
            "/api/v1/namespaces/{ns}/serviceaccounts",
            Api.LEASES,
            PODS)) {
      Answer read = api.get(path + "/a").expect(200);
      api.note(
          read.text("/kind") + " generation: " + read.at("/metadata/generation").asString("none"));
    }
    assertThat(api.get(CONFIG_MAPS + "/a").at("/metadata").has("generation")).isFalse();
    assertThat(api.get(SECRETS + "/a").at("/metadata").has("generation")).isFalse();
  }

  // ---- delete

  @Proves("DELETE answers with a Status that names the object and its uid; the next GET is a 404.")
  void deleteAnswersWithAStatus(Api api) {
    Answer a = api.configMap("a");
    Answer deleted = api.delete(CONFIG_MAPS + "/a").expect(200);
    assertThat(deleted.text("/kind")).isEqualTo("Status");
    assertThat(deleted.text("/status")).isEqualTo("Success");
    assertThat(deleted.text("/details/uid")).isEqualTo(a.uid());
    api.get(CONFIG_MAPS + "/a").expect(404);
    api.widget("w");
    api.delete(WIDGETS + "/w").expect(200);
    api.quietly(() -> api.post(SECRETS, "{metadata: {name: 's'}}").expect(201));
    api.delete(SECRETS + "/s").expect(200);
    api.quietly(() -> api.post(DEPLOYMENTS, DEPLOYMENT).expect(201));
    api.delete(DEPLOYMENTS + "/a").expect(200);
    api.quietly(() -> api.post(Api.LEASES, "{metadata: {name: 'l'}}").expect(201));
    api.delete(Api.LEASES + "/l").expect(200);
  }

  @Proves("DELETE of a pod, a service or a service account answers with the object.")
  void deleteAnswersWithTheObject(Api api) {
    api.quietly(() -> {
      api.post(PODS, POD).expect(201);
      api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{port: 80}]}}").expect(201);
      api.post("/api/v1/namespaces/{ns}/serviceaccounts", "{metadata: {name: 'a'}}").expect(201);
    });
    assertThat(api.delete(PODS + "/a").expect(200).text("/kind")).isEqualTo("Pod");
    assertThat(api.delete(SERVICES + "/a").expect(200).text("/kind")).isEqualTo("Service");
    assertThat(api.delete("/api/v1/namespaces/{ns}/serviceaccounts/a").expect(200).text("/kind"))
        .isEqualTo("ServiceAccount");
  }

  @Proves(
      "Finalizers: DELETE sets deletionTimestamp (a MODIFIED event); removing the last one"
          + " deletes.")
  void finalizers(Api api) {
    Answer a =
        api.post(
                WIDGETS,
                widget("metadata: {name: 'a', finalizers: ['example.com/one', 'example.com/two']}"))
            .expect(201);
    Watch watch = api.watch(WIDGETS, "resourceVersion=" + a.version());
    Answer deleted = api.delete(WIDGETS + "/a").expect(200);
    assertThat(deleted.text("/kind")).isEqualTo("Widget");
    assertThat(deleted.text("/metadata/deletionTimestamp")).isNotEmpty();
    api.show("deleted", deleted.json());
    Watch.Event modified = watch.next("MODIFIED", "a");
    assertThat(modified.object().at("/metadata/deletionTimestamp").asString("")).isNotEmpty();
    Answer one =
        api.patch(MERGE_PATCH, WIDGETS + "/a", "{metadata: {finalizers: ['example.com/two']}}")
            .expect(200);
    watch.next("MODIFIED", "a");
    assertThat(one.at("/metadata/finalizers")).hasSize(1);
    Answer last =
        api.patch(MERGE_PATCH, WIDGETS + "/a", "{metadata: {finalizers: null}}").expect(200);
    assertThat(last.at("/metadata").has("finalizers")).isFalse();
    Watch.Event gone = watch.next("DELETED", "a");
    assertThat(gone.versionNumber()).isGreaterThan(modified.versionNumber());
    api.show("event", gone.object());
    api.get(WIDGETS + "/a").expect(404);
  }

  @Proves("The generation grows when deletion begins; deletionGracePeriodSeconds is 0.")
  void deletionBegins(Api api) {
    api.post(WIDGETS, widget("metadata: {name: 'a', finalizers: ['example.com/one']}")).expect(201);
    Answer deleted = api.delete(WIDGETS + "/a").expect(200);
    assertThat(deleted.at("/metadata/generation").asInt(0)).isEqualTo(2);
    assertThat(deleted.at("/metadata/deletionGracePeriodSeconds").asInt(-1)).isEqualTo(0);
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', finalizers: ['example.com/one']}}").expect(201);
    api.show("deleted", api.delete(CONFIG_MAPS + "/a").expect(200).json());
  }

  @Proves(
      "A second DELETE of what waits for its finalizers changes nothing; no new finalizer may be"
          + " added: 422.")
  void whileBeingDeleted(Api api) {
    api.post(WIDGETS, widget("metadata: {name: 'a', finalizers: ['example.com/one']}")).expect(201);
    Answer first = api.delete(WIDGETS + "/a").expect(200);
    Answer second = api.delete(WIDGETS + "/a").expect(200);
    assertThat(second.version()).isEqualTo(first.version());
    api.patch(
            MERGE_PATCH,
            WIDGETS + "/a",
            "{metadata: {finalizers: ['example.com/one', 'example.com/late']}}")
        .expect(422, "Invalid");
    Answer spec = api.patch(MERGE_PATCH, WIDGETS + "/a", "{spec: {size: 5}}").expect(200);
    assertThat(spec.at("/spec/size").asInt(0)).isEqualTo(5);
    api.post(WIDGETS, widget("metadata: {name: 'a'}")).expect(409, "AlreadyExists");
  }

  @Proves(
      "A PUT that removes the last finalizer of a deleted object deletes it and answers with it.")
  void lastFinalizerByPut(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a', finalizers: ['example.com/one']}}").expect(201);
    Answer deleted = api.delete(CONFIG_MAPS + "/a").expect(200);
    ObjectNode changed = edited(deleted);
    metadata(changed).remove("finalizers");
    Answer last = api.put(CONFIG_MAPS + "/a", changed).expect(200);
    assertThat(last.name()).isEqualTo("a");
    api.get(CONFIG_MAPS + "/a").expect(404);
  }

  @Proves("Preconditions uid and resourceVersion on delete: 409 when they do not hold.")
  void preconditions(Api api) {
    Answer a = api.configMap("a");
    Answer changed = api.touch("a", "2");
    api.deleteWith(
            "{kind: 'DeleteOptions', apiVersion: 'v1', preconditions: {uid:"
                + " '00000000-0000-0000-0000-000000000000'}}",
            CONFIG_MAPS + "/a")
        .expect(409, "Conflict");
    api.mask(a.version(), "{old}");
    api.mask(changed.version(), "{present}");
    api.deleteWith("{preconditions: {resourceVersion: '" + a.version() + "'}}", CONFIG_MAPS + "/a")
        .expect(409, "Conflict");
    api.deleteWith(
            "{preconditions: {uid: '"
                + a.uid()
                + "', resourceVersion: '"
                + changed.version()
                + "'}}",
            CONFIG_MAPS + "/a")
        .expect(200);
  }

  @Proves(
      "propagationPolicy Foreground and Orphan leave the object with their finalizer; the"
          + " controller does the rest.")
  void propagation(Api api) {
    for (String name : List.of("a", "b", "c")) {
      api.widget(name);
    }
    Answer foreground = api.delete(WIDGETS + "/a", "propagationPolicy=Foreground").expect(200);
    assertThat(foreground.text("/metadata/finalizers/0")).isEqualTo("foregroundDeletion");
    Answer orphan = api.deleteWith("{propagationPolicy: 'Orphan'}", WIDGETS + "/b").expect(200);
    assertThat(orphan.text("/metadata/finalizers/0")).isEqualTo("orphan");
    api.delete(WIDGETS + "/c", "propagationPolicy=Background").expect(200);
    api.get(WIDGETS + "/c").expect(404);
    api.widget("d");
    api.delete(WIDGETS + "/d", "propagationPolicy=Sideways").expect(422, "Invalid");
  }

  @Proves("DELETE with options that cannot be read: 400.")
  void unreadableDeleteOptions(Api api) {
    api.configMap("a");
    api.send("DELETE", CONFIG_MAPS + "/a", "{\"kind\":", "Content-Type", Api.JSON)
        .expect(400, "BadRequest");
    api.deleteWith("{kind: 'Pod', apiVersion: 'v1'}", CONFIG_MAPS + "/a").expect(400, "BadRequest");
    api.delete(CONFIG_MAPS + "/a", "gracePeriodSeconds=soon").expect(400, "BadRequest");
    api.get(CONFIG_MAPS + "/a").expect(200);
  }

  @Proves(
      "DELETE of a collection: what matches goes, each with its event; the answer is the list of"
          + " it.")
  void deleteCollection(Api api) {
    api.configMap("a", "{app: 'x'}");
    api.configMap("b", "{app: 'y'}");
    Answer c = api.configMap("c", "{app: 'x'}");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + c.version());
    Answer deleted = api.delete(CONFIG_MAPS, "labelSelector=app=x").expect(200);
    assertThat(deleted.text("/kind")).isEqualTo("ConfigMapList");
    assertThat(deleted.names()).containsExactlyInAnyOrder("a", "c");
    Set<String> gone = new HashSet<>();
    api.quietly(() -> {
      for (int i = 0; i < 2; i++) {
        Watch.Event event = watch.next();
        assertThat(event.type()).isEqualTo("DELETED");
        gone.add(event.name());
      }
    });
    assertThat(gone).containsExactlyInAnyOrder("a", "c");
    assertThat(api.get(CONFIG_MAPS).names()).containsExactly("b");
    api.delete(CONFIG_MAPS, "fieldSelector=metadata.name=b").expect(200);
    assertThat(api.get(CONFIG_MAPS).names()).isEmpty();
  }

  @Proves("DELETE of a collection of custom resources; those with finalizers stay.")
  void deleteCustomCollection(Api api) {
    api.widget("a");
    api.post(WIDGETS, widget("metadata: {name: 'b', finalizers: ['example.com/f']}")).expect(201);
    Answer deleted = api.delete(WIDGETS).expect(200);
    assertThat(deleted.text("/kind")).isEqualTo("WidgetList");
    Answer left = api.get(WIDGETS).expect(200);
    assertThat(left.names()).containsExactly("b");
    assertThat(left.text("/items/0/metadata/deletionTimestamp")).isNotEmpty();
  }

  // ---- versions

  @Proves(
      "Versions are comparable: they grow with every write, across kinds; \"0\" and leading zeros"
          + " are none.")
  void versionsGrow(Api api) {
    long last = 0;
    for (int i = 0; i < 5; i++) {
      for (Answer written :
          List.of(api.configMap("m" + i), api.widget("w" + i), api.touch("m" + i, "2"))) {
        Api.assertVersion(written.version());
        assertThat(written.versionNumber()).isGreaterThan(last);
        last = written.versionNumber();
      }
    }
    assertThat(api.get(WIDGETS).versionNumber()).isGreaterThanOrEqualTo(last);
  }

  // ---- dry run

  @Proves("dryRun=All answers as if, and stores nothing.")
  void dryRun(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}}", "dryRun=All").expect(201);
    api.get(CONFIG_MAPS + "/a").expect(404);
    Answer b = api.configMap("b");
    Answer changed =
        api.patch(MERGE_PATCH, CONFIG_MAPS + "/b", "{data: {k: '2'}}", "dryRun=All").expect(200);
    assertThat(changed.text("/data/k")).isEqualTo("2");
    api.delete(CONFIG_MAPS + "/b", "dryRun=All").expect(200);
    assertThat(api.get(CONFIG_MAPS + "/b").expect(200).version()).isEqualTo(b.version());
    api.post(CONFIG_MAPS, "{metadata: {name: 'b'}}", "dryRun=All").expect(409, "AlreadyExists");
    api.post(CONFIG_MAPS, "{metadata: {name: 'c'}}", "dryRun=Some").expect(422, "Invalid");
  }

  @Proves(
      "managedFields name who wrote what: fieldManager, or the client's name, and the operation.")
  @Deliberate(
      "Who owns which field is not kept before server-side apply is served: objects come without"
          + " managedFields.")
  void managedFields(Api api) {
    Answer created =
        api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: 'v'}}", "fieldManager=me")
            .expect(201);
    JsonNode entry = created.at("/metadata/managedFields/0");
    assertThat(entry.path("manager").asString("")).isEqualTo("me");
    assertThat(entry.path("operation").asString("")).isEqualTo("Update");
    api.note(entry.path("fieldsV1").toString());
  }
}
