package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.types.GoTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The resources that are there without a CustomResourceDefinition. */
final class Builtins {
  private static final List<String> NO_COLLECTION_DELETE =
      List.of("create", "delete", "get", "list", "patch", "update", "watch");

  private Builtins() {}

  static List<Resource> all() {
    List<Resource> all = new ArrayList<>();
    all.add(
        core(
            "configmaps",
            "configmap",
            "ConfigMap",
            List.of("cm"),
            new CoreStrategies.ConfigMaps()));
    all.add(core("events", "event", "Event", List.of("ev"), new CoreStrategies.Events(true)));
    all.add(
        new Resource(
            "",
            "v1",
            "namespaces",
            "namespace",
            "Namespace",
            "NamespaceList",
            false,
            List.of("ns"),
            List.of(),
            NO_COLLECTION_DELETE,
            true,
            null,
            GoTypes.struct("core/v1.Namespace"),
            null,
            null,
            new CoreStrategies.Namespaces(),
            "namespaces",
            "v1",
            null));
    all.add(
        resource(
            "",
            "v1",
            "pods",
            "pod",
            "Pod",
            List.of("po"),
            List.of("all"),
            true,
            null,
            "core/v1.Pod",
            new WorkloadStrategies.Pods()));
    all.add(core("secrets", "secret", "Secret", List.of(), new CoreStrategies.Secrets()));
    all.add(
        core(
            "serviceaccounts",
            "serviceaccount",
            "ServiceAccount",
            List.of("sa"),
            new CoreStrategies.ServiceAccounts()));
    all.add(
        resource(
            "",
            "v1",
            "services",
            "service",
            "Service",
            List.of("svc"),
            List.of("all"),
            true,
            null,
            "core/v1.Service",
            new CoreStrategies.Services(new Addresses())));
    all.add(
        resource(
            "apps",
            "v1",
            "deployments",
            "deployment",
            "Deployment",
            List.of("deploy"),
            List.of("all"),
            true,
            new Resource.Scale(".spec.replicas", ".status.replicas", ""),
            "apps/v1.Deployment",
            new WorkloadStrategies.Deployments()));
    all.add(
        new Resource(
            "events.k8s.io",
            "v1",
            "events",
            "event",
            "Event",
            "EventList",
            true,
            List.of("ev"),
            List.of(),
            Resource.ALL_VERBS,
            false,
            null,
            GoTypes.struct("events/v1.Event"),
            null,
            null,
            new CoreStrategies.Events(false),
            "events",
            "v1",
            new CoreStrategies.EventConverter()));
    all.add(
        resource(
            "apiextensions.k8s.io",
            "v1",
            "customresourcedefinitions",
            "customresourcedefinition",
            "CustomResourceDefinition",
            List.of("crd", "crds"),
            List.of("api-extensions"),
            false,
            true,
            null,
            "apiextensions/v1.CustomResourceDefinition",
            new DefinitionStrategy()));
    all.add(
        resource(
            "coordination.k8s.io",
            "v1",
            "leases",
            "lease",
            "Lease",
            List.of(),
            List.of(),
            false,
            null,
            "coordination/v1.Lease",
            new WorkloadStrategies.Leases()));
    return all;
  }

  private static Resource core(
      String plural, String singular, String kind, List<String> shortNames, Strategy strategy) {
    return resource(
        "",
        "v1",
        plural,
        singular,
        kind,
        shortNames,
        List.of(),
        false,
        null,
        "core/v1." + kind,
        strategy);
  }

  private static Resource resource(
      String group,
      String version,
      String plural,
      String singular,
      String kind,
      List<String> shortNames,
      List<String> categories,
      boolean hasStatus,
      Resource.@Nullable Scale scale,
      String type,
      Strategy strategy) {
    return resource(
        group,
        version,
        plural,
        singular,
        kind,
        shortNames,
        categories,
        true,
        hasStatus,
        scale,
        type,
        strategy);
  }

  private static Resource resource(
      String group,
      String version,
      String plural,
      String singular,
      String kind,
      List<String> shortNames,
      List<String> categories,
      boolean namespaced,
      boolean hasStatus,
      Resource.@Nullable Scale scale,
      String type,
      Strategy strategy) {
    return new Resource(
        group,
        version,
        plural,
        singular,
        kind,
        kind + "List",
        namespaced,
        shortNames,
        categories,
        Resource.ALL_VERBS,
        hasStatus,
        scale,
        GoTypes.struct(type),
        null,
        null,
        strategy,
        group.isEmpty() ? plural : plural + "." + group,
        version,
        null);
  }

  /** Addresses from 10.96.0.0/16 and node ports from 30000, as a fresh cluster hands them out. */
  private static final class Addresses implements CoreStrategies.ClusterAddresses {
    private final AtomicInteger address = new AtomicInteger(10);
    private final AtomicInteger port = new AtomicInteger();

    @Override
    public String next() {
      int n = address.getAndIncrement() & 0xffff;
      return "10.96." + (n >> 8) + "." + (n & 0xff);
    }

    @Override
    public int nextNodePort() {
      return 30_000 + Math.floorMod(port.getAndIncrement(), 2_768);
    }
  }
}
