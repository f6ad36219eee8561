package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.DEPLOYMENTS;
import static dev.sluice.contract.Api.EVENTS;
import static dev.sluice.contract.Api.LEASES;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.SECRETS;
import static dev.sluice.contract.Api.SERVICES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

@Chapter(value = "Built-in kinds", order = 9)
public abstract class KindCases {
  private static final String SERVICE_ACCOUNTS = "/api/v1/namespaces/{ns}/serviceaccounts";
  private static final String POD =
      "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i'}]}}";

  // ---- namespaces

  @Proves(
      "A namespace is Active, carries its name as a label and is held by the finalizer kubernetes"
          + " in its spec.")
  void namespace(Api api) {
    api.ns();
    Answer namespace = api.get("/api/v1/namespaces/{ns}").expect(200);
    api.show("namespace", namespace.json());
    assertThat(namespace.text("/status/phase")).isEqualTo("Active");
  }

  @Proves("A namespace's name must be a DNS label: 422.")
  void namespaceNames(Api api) {
    api.post("/api/v1/namespaces", "{metadata: {name: 'a.b'}}").expect(422, "Invalid");
    api.post("/api/v1/namespaces", "{metadata: {name: '" + "a".repeat(64) + "'}}")
        .expect(422, "Invalid");
  }

  @Proves(
      "DELETE of a namespace makes it Terminating; nothing can be created in it: 403 with cause"
          + " NamespaceTerminating.")
  void namespaceTerminates(Api api) {
    api.configMap("a");
    hold(api);
    Answer deleted = api.delete("/api/v1/namespaces/{ns}").expect(200);
    assertThat(deleted.text("/kind")).isEqualTo("Namespace");
    assertThat(deleted.text("/status/phase")).isEqualTo("Terminating");
    assertThat(deleted.text("/metadata/deletionTimestamp")).isNotEmpty();
    api.await(
        "it is known to terminate",
        () -> api.post(CONFIG_MAPS, "{metadata: {generateName: 'b-'}}").code() != 201);
    Answer refused = api.post(CONFIG_MAPS, "{metadata: {name: 'b'}}").expect(403, "Forbidden");
    assertThat(refused.causes()).containsExactly("NamespaceTerminating metadata.namespace");
    assertThat(api.get("/api/v1/namespaces/{ns}").expect(200).text("/status/phase"))
        .isEqualTo("Terminating");
  }

  /**
   * Puts a finalizer of our own into the namespace's spec: whoever ends namespaces leaves this one.
   */
  private static void hold(Api api) {
    api.quietly(() -> {
      ObjectNode namespace = (ObjectNode) api.get("/api/v1/namespaces/{ns}").expect(200).json();
      namespace.withObject("/spec").withArray("finalizers").add("example.com/hold");
      api.put("/api/v1/namespaces/{ns}/finalize", namespace).expect(200);
    });
  }

  @Proves("A namespace is gone when /finalize has taken its last finalizer.")
  void namespaceFinalize(Api api) {
    api.ns();
    hold(api);
    api.delete("/api/v1/namespaces/{ns}").expect(200);
    Watch watch = api.watch("/api/v1/namespaces", "fieldSelector=metadata.name=" + api.ns());
    watch.next("ADDED", api.ns());
    api.quietly(() -> {
      ObjectNode namespace = (ObjectNode) api.get("/api/v1/namespaces/{ns}").expect(200).json();
      ((ObjectNode) namespace.path("metadata")).remove("resourceVersion");
      namespace.putObject("spec").putArray("finalizers");
      api.put("/api/v1/namespaces/{ns}/finalize", namespace).expect(200);
    });
    watch.nextWhere(event -> event.type().equals("DELETED"));
    api.get("/api/v1/namespaces/{ns}").expect(404, "NotFound");
  }

  @Proves(
      "The namespaces default, kube-system, kube-public and kube-node-lease are there; the first"
          + " three may not be deleted: 403.")
  void systemNamespaces(Api api) {
    for (String name : List.of("default", "kube-system", "kube-public")) {
      api.get("/api/v1/namespaces/" + name).expect(200);
      api.delete("/api/v1/namespaces/" + name).expect(403, "Forbidden");
    }
    api.get("/api/v1/namespaces/kube-node-lease").expect(200);
  }

  // ---- config maps and secrets

  @Proves("A ConfigMap's keys are checked: 422; data and binaryData may not share one.")
  void configMapKeys(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {'a b': 'c'}}").expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {'..': 'c'}}").expect(422, "Invalid");
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: 'v'}, binaryData: {k: 'aGk='}}")
        .expect(422, "Invalid");
    Answer binary =
        api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, binaryData: {k: 'aGk='}}").expect(201);
    assertThat(binary.text("/binaryData/k")).isEqualTo("aGk=");
  }

  @Proves("An immutable ConfigMap or Secret cannot be changed, nor made mutable: 422.")
  void immutableData(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: 'v'}, immutable: true}").expect(201);
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {k: '2'}}").expect(422, "Invalid");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{immutable: false}").expect(422, "Invalid");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{metadata: {labels: {a: 'b'}}}").expect(200);
    api.post(SECRETS, "{metadata: {name: 'a'}, data: {k: 'dg=='}, immutable: true}").expect(201);
    api.patch(MERGE_PATCH, SECRETS + "/a", "{stringData: {k: '2'}}").expect(422, "Invalid");
  }

  @Proves(
      "A Secret is Opaque unless it says otherwise; stringData goes into data and is not shown.")
  void secrets(Api api) {
    Answer secret =
        api.post(SECRETS, "{metadata: {name: 'a'}, stringData: {b: 'text'}, data: {a: 'dg=='}}")
            .expect(201);
    api.show("secret", secret.json());
    assertThat(secret.text("/type")).isEqualTo("Opaque");
    assertThat(secret.json().has("stringData")).isFalse();
    assertThat(secret.text("/data/b")).isEqualTo("dGV4dA==");
  }

  @Proves("A Secret's type cannot be changed, and some types need their keys: 422.")
  void secretTypes(Api api) {
    api.post(SECRETS, "{metadata: {name: 'a'}}").expect(201);
    api.patch(MERGE_PATCH, SECRETS + "/a", "{type: 'other'}").expect(422, "Invalid");
    api.post(SECRETS, "{metadata: {name: 'b'}, type: 'kubernetes.io/tls'}").expect(422, "Invalid");
    api.post(SECRETS, "{metadata: {name: 'b'}, type: 'kubernetes.io/dockerconfigjson', data: {}}")
        .expect(422, "Invalid");
    api.post(SECRETS, "{metadata: {name: 'b'}, type: 'kubernetes.io/basic-auth'}")
        .expect(422, "Invalid");
  }

  @Proves("A Secret's data must be base64: 400.")
  void secretsMustBeBase64(Api api) {
    api.post(SECRETS, "{metadata: {name: 'a'}, data: {k: 'plain text'}}").expect(400, "BadRequest");
  }

  // ---- pods

  @Proves("A pod gets the defaults of its kind and is Pending.")
  void podDefaults(Api api) {
    Answer pod = api.post(PODS, POD).expect(201);
    ObjectNode shown = (ObjectNode) pod.json();
    // What the admission plug-ins for service accounts add depends on how the server was started.
    ((ObjectNode) shown.path("spec"))
        .remove(
            List.of(
                "serviceAccountName",
                "serviceAccount",
                "volumes",
                "tolerations",
                "priority",
                "preemptionPolicy",
                "enableServiceLinks"));
    ((ObjectNode) shown.at("/spec/containers/0")).remove("volumeMounts");
    api.show("spec", shown.path("spec"));
    api.show("status", shown.path("status"));
    assertThat(pod.text("/status/phase")).isEqualTo("Pending");
    assertThat(pod.text("/status/qosClass")).isEqualTo("BestEffort");
  }

  @Proves("A pod without containers, or with unsound ones: 422.")
  void unsoundPods(Api api) {
    api.post(PODS, "{metadata: {name: 'a'}, spec: {containers: []}}").expect(422, "Invalid");
    api.post(PODS, "{metadata: {name: 'a'}, spec: {containers: [{name: 'c'}]}}")
        .expect(422, "Invalid");
    api.post(PODS, "{metadata: {name: 'a'}, spec: {containers: [{image: 'i'}]}}")
        .expect(422, "Invalid");
    api.post(
            PODS,
            "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i'}, {name: 'c',"
                + " image: 'i'}]}}")
        .expect(422, "Invalid");
    api.post(
            PODS,
            "{metadata: {name: 'a'}, spec: {restartPolicy: 'Sometimes', containers: [{name: 'c',"
                + " image: 'i'}]}}")
        .expect(422, "Invalid");
  }

  @Proves("A pod's spec is immutable but for its images and a few others: 422.")
  void podSpecIsImmutable(Api api) {
    api.post(PODS, POD).expect(201);
    api.patch(Api.STRATEGIC_PATCH, PODS + "/a", "{spec: {containers: [{name: 'c', image: 'j'}]}}")
        .expect(200);
    assertThat(
            api.patch(MERGE_PATCH, PODS + "/a", "{spec: {hostNetwork: true}}")
                .expect(422, "Invalid")
                .causes())
        .contains("FieldValueForbidden spec");
  }

  @Proves(
      "A pod that is bound is deleted gracefully: deletionTimestamp and grace period first, gone"
          + " when the period is 0.")
  void gracefulDeletion(Api api) {
    api.post(
            PODS,
            "{metadata: {name: 'a'}, spec: {nodeName: 'n', containers: [{name: 'c', image: 'i'}]}}")
        .expect(201);
    Answer deleted = api.delete(PODS + "/a").expect(200);
    assertThat(deleted.text("/metadata/deletionTimestamp")).isNotEmpty();
    assertThat(deleted.at("/metadata/deletionGracePeriodSeconds").asInt(0)).isEqualTo(30);
    api.get(PODS + "/a").expect(200);
    Answer sooner = api.delete(PODS + "/a", "gracePeriodSeconds=5").expect(200);
    assertThat(sooner.at("/metadata/deletionGracePeriodSeconds").asInt(0)).isEqualTo(5);
    api.deleteWith("{gracePeriodSeconds: 0}", PODS + "/a").expect(200);
    api.get(PODS + "/a").expect(404);
  }

  @Proves("A pod that is not bound is deleted at once.")
  void unboundPodsGoAtOnce(Api api) {
    api.post(PODS, POD).expect(201);
    api.delete(PODS + "/a").expect(200);
    api.get(PODS + "/a").expect(404);
  }

  // ---- services and service accounts

  @Proves("A service gets a cluster IP and the defaults of its kind.")
  void services(Api api) {
    Answer service =
        api.post(
                SERVICES,
                "{metadata: {name: 'a'}, spec: {selector: {app: 'x'}, ports: [{port: 80}]}}")
            .expect(201);
    api.mask(service.text("/spec/clusterIP"), "{ip}");
    assertThat(service.text("/spec/clusterIP")).matches("\\d+\\.\\d+\\.\\d+\\.\\d+");
    api.show("spec", service.at("/spec"));
    api.show("status", service.at("/status"));
  }

  @Proves("A headless service has the cluster IP None, one of type ExternalName none.")
  void headlessServices(Api api) {
    Answer headless =
        api.post(
                SERVICES, "{metadata: {name: 'a'}, spec: {clusterIP: 'None', ports: [{port: 80}]}}")
            .expect(201);
    assertThat(headless.text("/spec/clusterIP")).isEqualTo("None");
    Answer external =
        api.post(
                SERVICES,
                "{metadata: {name: 'b'}, spec: {type: 'ExternalName', externalName:"
                    + " 'example.com'}}")
            .expect(201);
    assertThat(external.at("/spec").has("clusterIP")).isFalse();
  }

  @Proves("Unsound services: 422.")
  void unsoundServices(Api api) {
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {}}").expect(422, "Invalid");
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{port: 0}]}}")
        .expect(422, "Invalid");
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{port: 80}, {port: 81}]}}")
        .expect(422, "Invalid");
    api.post(SERVICES, "{metadata: {name: '1a'}, spec: {ports: [{port: 80}]}}");
    api.post(SERVICES, "{metadata: {name: 'a'}, spec: {type: 'Else', ports: [{port: 80}]}}")
        .expect(422, "Invalid");
  }

  @Proves("A service's cluster IP stays through updates, and cannot be changed: 422.")
  void clusterIpIsKept(Api api) {
    Answer service =
        api.post(SERVICES, "{metadata: {name: 'a'}, spec: {ports: [{port: 80}]}}").expect(201);
    Answer updated =
        api.put(SERVICES + "/a", "{metadata: {name: 'a'}, spec: {ports: [{port: 81}]}}")
            .expect(200);
    assertThat(updated.text("/spec/clusterIP")).isEqualTo(service.text("/spec/clusterIP"));
    assertThat(updated.at("/spec/ports/0/port").asInt(0)).isEqualTo(81);
    api.patch(MERGE_PATCH, SERVICES + "/a", "{spec: {clusterIP: 'None', clusterIPs: ['None']}}")
        .expect(422, "Invalid");
  }

  @Proves("A service account holds what it is given.")
  void serviceAccounts(Api api) {
    Answer account =
        api.post(
                SERVICE_ACCOUNTS,
                "{metadata: {name: 'a'}, automountServiceAccountToken: false, imagePullSecrets:"
                    + " [{name: 's'}]}")
            .expect(201);
    api.show("account", account.json());
  }

  // ---- events

  @Proves("An event is created through either group and seen through both: one storage.")
  void eventsInBothGroups(Api api) {
    Answer core =
        api.post(
                EVENTS,
                "{metadata: {name: 'a'}, involvedObject: {kind: 'Pod', namespace: '{ns}', name:"
                    + " 'p'}, reason: 'Because', message: 'it is so', type: 'Normal', count: 2,"
                    + " firstTimestamp: '2020-01-01T00:00:00Z', lastTimestamp:"
                    + " '2020-01-01T00:00:01Z', source: {component: 'tester'}}")
            .expect(201);
    api.show("core", core.json());
    Answer group = api.get("/apis/events.k8s.io/v1/namespaces/{ns}/events/a").expect(200);
    api.show("events.k8s.io", group.json());
    assertThat(group.text("/note")).isEqualTo("it is so");
    assertThat(group.text("/regarding/name")).isEqualTo("p");
    api.post(
            "/apis/events.k8s.io/v1/namespaces/{ns}/events",
            "{metadata: {name: 'b'}, regarding: {kind: 'Pod', namespace: '{ns}', name: 'p'},"
                + " reason: 'Because', note: 'n', type: 'Warning', action: 'Act', eventTime:"
                + " '2020-01-01T00:00:00.000000Z', reportingController: 'example.com/tester',"
                + " reportingInstance: 'one'}")
        .expect(201);
    Answer back = api.get(EVENTS + "/b").expect(200);
    api.show("as core", back.json());
    assertThat(back.text("/message")).isEqualTo("n");
  }

  @Proves("An event's namespace must be that of its object; events.k8s.io checks more: 422.")
  void unsoundEvents(Api api) {
    api.post(
            EVENTS,
            "{metadata: {name: 'a'}, involvedObject: {kind: 'Pod', namespace: 'other', name: 'p'}}")
        .expect(422, "Invalid");
    api.post(
            "/apis/events.k8s.io/v1/namespaces/{ns}/events",
            "{metadata: {name: 'b'}, regarding: {kind: 'Pod', namespace: '{ns}', name: 'p'}}")
        .expect(422, "Invalid");
  }

  @Proves("An event that is missing is created by PUT; PATCH of a missing one is a 404.")
  void eventsByPut(Api api) {
    api.ns();
    String event =
        "{metadata: {name: 'a', namespace: '{ns}'}, involvedObject: {kind: 'Pod', namespace:"
            + " '{ns}', name: 'p'}, reason: 'r', type: 'Normal'}";
    api.put(EVENTS + "/a", event).expect(201);
    api.put(EVENTS + "/a", event).expect(200);
    api.patch(MERGE_PATCH, EVENTS + "/b", "{count: 2}").expect(404, "NotFound");
  }

  // ---- deployments

  @Proves("A deployment gets the defaults of its kind, those of its pods included.")
  void deploymentDefaults(Api api) {
    Answer deployment = api.post(DEPLOYMENTS, ObjectCases.DEPLOYMENT).expect(201);
    api.show("spec", deployment.at("/spec"));
    api.show("status", deployment.at("/status"));
  }

  @Proves("A deployment's selector must match its template and cannot be changed: 422.")
  void deploymentSelectors(Api api) {
    api.post(
            DEPLOYMENTS, ObjectCases.DEPLOYMENT.replace("labels: {app: 'x'}", "labels: {app: 'y'}"))
        .expect(422, "Invalid");
    api.post(DEPLOYMENTS, "{metadata: {name: 'a'}, spec: {}}").expect(422, "Invalid");
    api.post(DEPLOYMENTS, ObjectCases.DEPLOYMENT).expect(201);
    api.patch(
            MERGE_PATCH,
            DEPLOYMENTS + "/a",
            "{spec: {selector: {matchLabels: {app: 'z'}}, template: {metadata: {labels: {app:"
                + " 'z'}}}}}")
        .expect(422, "Invalid");
    api.patch(MERGE_PATCH, DEPLOYMENTS + "/a", "{spec: {replicas: -1}}").expect(422, "Invalid");
  }

  @Proves("A deployment's /scale reads and writes its replicas.")
  void deploymentScale(Api api) {
    api.post(DEPLOYMENTS, ObjectCases.DEPLOYMENT).expect(201);
    Answer scale = api.get(DEPLOYMENTS + "/a/scale").expect(200);
    api.show("scale", scale.json());
    Answer scaled =
        api.patch(MERGE_PATCH, DEPLOYMENTS + "/a/scale", "{spec: {replicas: 4}}").expect(200);
    assertThat(scaled.at("/spec/replicas").asInt(0)).isEqualTo(4);
    Answer after = api.get(DEPLOYMENTS + "/a").expect(200);
    assertThat(after.at("/spec/replicas").asInt(0)).isEqualTo(4);
    assertThat(after.at("/metadata/generation").asInt(0)).isEqualTo(2);
  }

  // ---- leases

  @Proves("PUT to a missing Lease creates it (201).")
  void leaseByPut(Api api) {
    api.ns();
    Answer created =
        api.put(
                LEASES + "/a",
                "{metadata: {name: 'a', namespace: '{ns}'}, spec: {holderIdentity: 'me'}}")
            .expect(201);
    api.show("lease", created.json());
    assertThat(created.text("/spec/holderIdentity")).isEqualTo("me");
  }

  @Proves("Updating a Lease without a version: 422.")
  void leaseWithoutVersion(Api api) {
    api.post(LEASES, "{metadata: {name: 'a'}}").expect(201);
    assertThat(
            api.put(LEASES + "/a", "{metadata: {name: 'a'}, spec: {holderIdentity: 'me'}}")
                .expect(422, "Invalid")
                .causes())
        .containsExactly("FieldValueInvalid metadata.resourceVersion");
  }

  @Proves("A Lease's MicroTime needs exactly six decimals: 400 else.")
  void microTime(Api api) {
    for (String time :
        List.of(
            "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123Z", "2020-01-01T00:00:00.1234567Z")) {
      api.note(time.substring(19));
      api.post(LEASES, "{metadata: {name: 'a'}, spec: {renewTime: '" + time + "'}}")
          .expect(400, "BadRequest");
    }
    Answer lease =
        api.post(
                LEASES,
                "{metadata: {name: 'a'}, spec: {renewTime: '2020-01-01T00:00:00.120000Z',"
                    + " acquireTime: '2020-01-01T02:00:00.000000+02:00'}}")
            .expect(201);
    assertThat(lease.text("/spec/renewTime")).isEqualTo("2020-01-01T00:00:00.120000Z");
    assertThat(lease.text("/spec/acquireTime")).isEqualTo("2020-01-01T00:00:00.000000Z");
  }

  @Proves("A Lease's durations and transitions are checked: 422.")
  void unsoundLeases(Api api) {
    api.post(LEASES, "{metadata: {name: 'a'}, spec: {leaseDurationSeconds: 0}}")
        .expect(422, "Invalid");
    api.post(LEASES, "{metadata: {name: 'a'}, spec: {leaseTransitions: -1}}")
        .expect(422, "Invalid");
  }

  @Proves("Of two candidates that take one Lease at the same version one wins, the other gets 409.")
  void leaseContention(Api api) {
    Answer lease = api.post(LEASES, "{metadata: {name: 'a'}}").expect(201);
    ObjectNode one = (ObjectNode) lease.json();
    one.putObject("spec").put("holderIdentity", "one");
    ObjectNode two = (ObjectNode) lease.json();
    two.putObject("spec").put("holderIdentity", "two");
    api.put(LEASES + "/a", one).expect(200);
    api.put(LEASES + "/a", two).expect(409, "Conflict");
    assertThat(api.get(LEASES + "/a").text("/spec/holderIdentity")).isEqualTo("one");
  }
}
