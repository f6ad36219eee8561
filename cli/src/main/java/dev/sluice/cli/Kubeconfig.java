package dev.sluice.cli;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.Cluster;
import io.fabric8.kubernetes.api.model.Context;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedCluster;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import java.io.File;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/**
 * Finds the kubeconfig that kubectl would use, and reads it strictly.
 *
 * <p>fabric8 takes what it understands and silently fills the rest with guesses: a context whose
 * cluster is missing becomes {@code https://kubernetes.default.svc}, a credential plugin that fails
 * becomes an anonymous user. So everything that is referred to is looked for here first, and what
 * is missing is said by name. What the file means is still fabric8's business.
 *
 * @param config what fabric8 makes of it
 * @param origin where it came from, to stand in a sentence: {@code context "admin" of FILE}
 * @param user the user's name in the kubeconfig; empty for a pod's service account
 */
record Kubeconfig(Config config, String origin, String user) {
  private static final Path SERVICE_ACCOUNT_TOKEN =
      Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");

  /**
   * Finds and reads it.
   *
   * @param named the file named on the command line
   * @param context the context named on the command line
   * @param environment the process's environment
   * @param home the user's home folder
   * @throws Trouble if there is none or it cannot be used
   */
  static Kubeconfig find(
      @Nullable Path named, @Nullable String context, Map<String, String> environment, Path home) {
    if (named != null) {
      if (!Files.exists(named)) {
        throw unusable("there is no kubeconfig at " + named + "; check what --kubeconfig says");
      }
      return read(List.of(named), context);
    }
    String variable = environment.getOrDefault("KUBECONFIG", "");
    if (!variable.isBlank()) {
      List<Path> files = new ArrayList<>();
      for (String file : variable.split(File.pathSeparator, -1)) {
        if (!file.isBlank() && Files.exists(Path.of(file))) {
          files.add(Path.of(file));
        }
      }
      if (files.isEmpty()) {
        throw unusable(
            "there is no kubeconfig at "
                + variable
                + "; check the variable KUBECONFIG, or give one with --kubeconfig FILE");
      }
      return read(files, context);
    }
    Path usual = home.resolve(".kube").resolve("config");
    if (Files.exists(usual)) {
      return read(List.of(usual), context);
    }
    if (environment.containsKey("KUBERNETES_SERVICE_HOST")
        && Files.isReadable(SERVICE_ACCOUNT_TOKEN)) {
      if (context != null) {
        throw unusable(
            "there is no kubeconfig that could have a context \""
                + context
                + "\": this pod's service account would be used; give a --kubeconfig FILE, or no"
                + " --context");
      }
      return new Kubeconfig(Config.autoConfigure(null), "the pod's service account", "");
    }
    throw unusable(
        "there is no kubeconfig: KUBECONFIG is not set, "
            + usual
            + " is not there, and this is no pod; give one with --kubeconfig FILE");
  }

  private static Kubeconfig read(List<Path> files, @Nullable String wanted) {
    List<Parsed> parsed = files.stream().map(Kubeconfig::parse).toList();
    String where = String.join(File.pathSeparator, files.stream().map(Path::toString).toList());
    Map<String, Part<NamedContext>> contexts =
        byName(parsed, file -> file.getContexts(), NamedContext::getName);
    Map<String, Part<NamedCluster>> clusters =
        byName(parsed, file -> file.getClusters(), NamedCluster::getName);
    Map<String, Part<NamedAuthInfo>> users =
        byName(parsed, file -> file.getUsers(), NamedAuthInfo::getName);

    String name = wanted == null ? current(parsed) : wanted;
    if (name.isEmpty()) {
      throw unusable(
          "the kubeconfig "
              + where
              + " has no current context; choose one with --context: "
              + list(contexts.keySet()));
    }
    Part<NamedContext> found = contexts.get(name);
    Context context = found == null ? null : found.value().getContext();
    if (context == null) {
      throw unusable(
          "the kubeconfig "
              + where
              + " has no context \""
              + name
              + "\""
              + (wanted == null ? ", which it says is the current one" : "")
              + "; it has: "
              + list(contexts.keySet()));
    }
    String origin = "context \"" + name + "\" of " + where;
    checkCluster(origin, context.getCluster(), clusters);
    String userName = context.getUser() == null ? "" : context.getUser();
    AuthInfo user = userName.isEmpty() ? null : checkUser(origin, userName, users);

    Config config = Config.empty();
    try {
      KubeConfigUtils.merge(
          config,
          name,
          parsed.stream()
              .map(Parsed::content)
              .toArray(io.fabric8.kubernetes.api.model.Config[]::new));
    } catch (RuntimeException e) {
      throw unusable(origin + " cannot be used: " + Diagnosis.line(e), e);
    }
    if (user != null && user.getExec() != null && !hasCredentials(config)) {
      throw unusable(
          "the command \""
              + user.getExec().getCommand()
              + "\", which is to give the credentials of user \""
              + userName
              + "\" ("
              + origin
              + "), gave none; run it by hand to see why");
    }
    useProxiesOfEnvironment(config);
    return new Kubeconfig(config, origin, userName);
  }

  private static Parsed parse(Path file) {
    if (Files.isDirectory(file)) {
      throw unusable("the kubeconfig " + file + " is a folder; name the file in it");
    }
    if (!Files.isReadable(file)) {
      throw unusable("the kubeconfig " + file + " may not be read; check its permissions");
    }
    try {
      if (Files.readString(file).isBlank()) {
        throw unusable("the kubeconfig " + file + " is empty; name another with --kubeconfig FILE");
      }
      return new Parsed(file, KubeConfigUtils.parseConfig(file.toFile()));
    } catch (MarkedYamlEngineException e) {
      // Only the problem and its place: the lines around it may hold credentials.
      String place =
          e.getProblemMark()
              .map(mark ->
                  " (line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1) + ")")
              .orElse("");
      throw unusable(
          "the kubeconfig "
              + file
              + " is not valid YAML: "
              + e.getProblem()
              + place
              + "; mend it, or name another with --kubeconfig FILE",
          e);
    } catch (Trouble e) {
      throw e;
    } catch (Exception e) {
      throw unusable(
          "the file "
              + file
              + " is not a kubeconfig (its parts are not where they belong); name another with"
              + " --kubeconfig FILE",
          e);
    }
  }

  private static void checkCluster(
      String origin, @Nullable String name, Map<String, Part<NamedCluster>> clusters) {
    Part<NamedCluster> found = name == null ? null : clusters.get(name);
    Cluster cluster = found == null ? null : found.value().getCluster();
    if (found == null || cluster == null) {
      throw unusable(
          "the "
              + origin
              + " refers to cluster \""
              + name
              + "\", which is not there; there are: "
              + list(clusters.keySet()));
    }
    String server = cluster.getServer() == null ? "" : cluster.getServer();
    if (!isServer(server)) {
      throw unusable(
          "cluster \""
              + name
              + "\" ("
              + origin
              + ") has the server \""
              + server
              + "\", which is not an address such as https://host:6443; mend it");
    }
    checkFile(origin, "certificate-authority", cluster.getCertificateAuthority(), found.file());
  }

  private static AuthInfo checkUser(
      String origin, String name, Map<String, Part<NamedAuthInfo>> users) {
    Part<NamedAuthInfo> found = users.get(name);
    AuthInfo user = found == null ? null : found.value().getUser();
    if (found == null || user == null) {
      throw unusable(
          "the "
              + origin
              + " refers to user \""
              + name
              + "\", who is not there; there are: "
              + list(users.keySet()));
    }
    checkFile(origin, "client-certificate", user.getClientCertificate(), found.file());
    checkFile(origin, "client-key", user.getClientKey(), found.file());
    checkFile(origin, "tokenFile", user.getTokenFile(), found.file());
    return user;
  }

  /** Files are named relative to the kubeconfig that names them. */
  private static void checkFile(
      String origin, String what, @Nullable String name, Path kubeconfig) {
    if (name == null || name.isEmpty()) {
      return;
    }
    Path file = kubeconfig.toAbsolutePath().resolveSibling(name);
    if (!Files.isReadable(file)) {
      throw unusable(
          "the " + what + " " + file + " (" + origin + ") is not there or may not be read");
    }
  }

  private static boolean isServer(String server) {
    try {
      URI uri = new URI(server);
      return uri.getHost() != null
          && ("https".equalsIgnoreCase(uri.getScheme())
              || "http".equalsIgnoreCase(uri.getScheme()));
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private static boolean hasCredentials(Config config) {
    return config.getAutoOAuthToken() != null
        || config.getOauthToken() != null
        || config.getClientCertData() != null
        || config.getClientCertFile() != null;
  }

  private static void useProxiesOfEnvironment(Config config) {
    Config environment = Config.empty();
    Config.configFromSysPropsOrEnvVars(environment);
    if (config.getHttpProxy() == null) {
      config.setHttpProxy(environment.getHttpProxy());
    }
    if (config.getHttpsProxy() == null) {
      config.setHttpsProxy(environment.getHttpsProxy());
    }
    if (config.getNoProxy() == null) {
      config.setNoProxy(environment.getNoProxy());
    }
  }

  private static String current(List<Parsed> files) {
    for (Parsed file : files) {
      String name = file.content().getCurrentContext();
      if (name != null && !name.isEmpty()) {
        return name;
      }
    }
    return "";
  }

  /** The first one of a name counts, as with kubectl. */
  private static <T> Map<String, Part<T>> byName(
      List<Parsed> files,
      Function<io.fabric8.kubernetes.api.model.Config, @Nullable List<T>> part,
      Function<T, String> name) {
    Map<String, Part<T>> all = new LinkedHashMap<>();
    for (Parsed file : files) {
      List<T> some = part.apply(file.content());
      if (some != null) {
        some.forEach(each -> all.putIfAbsent(name.apply(each), new Part<>(each, file.file())));
      }
    }
    return all;
  }

  private static String list(Collection<String> names) {
    return names.isEmpty() ? "none" : String.join(", ", new TreeSet<>(names));
  }

  private static Trouble unusable(String message) {
    return new Trouble(ExitCode.KUBECONFIG, message);
  }

  private static Trouble unusable(String message, Throwable cause) {
    return new Trouble(ExitCode.KUBECONFIG, message, cause);
  }

  private record Parsed(Path file, io.fabric8.kubernetes.api.model.Config content) {}

  private record Part<T>(T value, Path file) {}
}
