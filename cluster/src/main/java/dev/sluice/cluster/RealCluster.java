package dev.sluice.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A running etcd and kube-apiserver, with their users, of this JVM's own.
 *
 * <p>Usually a parameter of a test in a class with {@link RealApiServer}; {@link #start} makes one
 * without JUnit. It lives in a directory below {@code target/}, listens on loopback ports, and ends
 * with {@link #close()} or with the JVM, however that ends, leaving nothing behind. With the system
 * property {@code sluice.cluster.keepLogs=true} the servers' logs stay in that directory.
 *
 * <p>Users: {@code admin} may do everything and is exempt from priority and fairness; {@code alice}
 * may do everything and is not exempt; {@code bob} may edit in namespace {@code default} only;
 * {@code carol} may read what the role {@code view} lets her read.
 *
 * <p>Thread-safe: the cluster executes commands one after the other.
 */
public final class RealCluster implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final Path bin;
  private final Path directory;
  private final Process supervisor;
  private final boolean shared;

  private RealCluster(Path bin, Path directory, Process supervisor, boolean shared) {
    this.bin = bin;
    this.directory = directory;
    this.supervisor = supervisor;
    this.shared = shared;
  }

  /**
   * What a cluster is started with.
   *
   * @param flags flags for kube-apiserver; they win over the cluster's own
   * @param controllerManager whether kube-controller-manager runs, too
   * @param audit whether {@link RealCluster#auditLog()} is written
   */
  public record Settings(List<String> flags, boolean controllerManager, boolean audit) {
    public Settings {
      flags = List.copyOf(flags);
    }

    /** No flags, no controller manager, no audit log. */
    public static Settings plain() {
      return new Settings(List.of(), false, false);
    }
  }

  /**
   * What this machine lacks to build and run a cluster; empty if nothing. A test that has no {@link
   * RealApiServer} skips itself by this.
   */
  public static Optional<String> whatIsMissing() {
    return Toolchain.whatIsMissing(System.getenv().getOrDefault("PATH", ""));
  }

  /**
   * Starts a cluster that the caller closes. Builds it first if needed, which takes minutes once;
   * blocks until the cluster is ready, which takes seconds.
   *
   * @throws IllegalStateException if it cannot be built or does not start, with what it said
   */
  public static RealCluster start(Settings settings) {
    return start(settings, false);
  }

  static RealCluster startShared(Settings settings) {
    return start(settings, true);
  }

  private static RealCluster start(Settings settings, boolean shared) {
    Path bin = Toolchain.bin();
    Path directory =
        Path.of("target", "clusters", ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet())
            .toAbsolutePath();
    var command = new ArrayList<String>();
    command.add(bin.resolve("sluice-cluster").toString());
    command.add("up");
    if (settings.controllerManager()) {
      command.add("--controller-manager");
    }
    if (settings.audit()) {
      command.add("--audit");
    }
    if (Boolean.getBoolean("sluice.cluster.keepLogs")) {
      command.add("--keep-logs");
    }
    command.add(directory.toString());
    command.add("--");
    command.addAll(settings.flags());
    Path errors = errors(directory);
    try {
      Files.createDirectories(directory.getParent());
      Process supervisor = new ProcessBuilder(command).redirectError(errors.toFile()).start();
      // The kubeconfig's path when it is ready, the end of the stream when it has failed.
      if (supervisor.inputReader(StandardCharsets.UTF_8).readLine() == null) {
        supervisor.destroy();
        String reason = text(errors);
        Files.deleteIfExists(errors);
        throw new IllegalStateException("the cluster did not start: " + reason);
      }
      return new RealCluster(bin, directory, supervisor, shared);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command.getFirst(), e);
    }
  }

  /** Where the supervisor's words go while it runs. */
  private static Path errors(Path directory) {
    return directory.resolveSibling(directory.getFileName() + ".err");
  }

  private static String text(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "(" + e + ")";
    }
  }

  /** The API server's address, {@code https://127.0.0.1:PORT}; the same for the cluster's life. */
  public URI url() {
    return URI.create(property("url"));
  }

  /** etcd's address, without TLS; another one after {@link #restore}. */
  public URI etcdUrl() {
    return URI.create(property("etcd"));
  }

  /** A kubeconfig with a context named after each user; the current one is {@code admin}. */
  public Path kubeconfig() {
    return directory.resolve("kubeconfig");
  }

  /**
   * A kubeconfig with one user alone.
   *
   * @param user {@code admin}, {@code admin-certificate} (the same, with a client certificate
   *     instead of a token), {@code alice}, {@code bob} or {@code carol}
   * @throws IllegalArgumentException if there is no such user
   */
  public Path kubeconfig(String user) {
    requireRunning();
    Path file = directory.resolve(user + ".kubeconfig");
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          "no user " + user + "; there are admin, admin-certificate, alice, bob and carol");
    }
    return file;
  }

  /**
   * A user's bearer token.
   *
   * @throws IllegalArgumentException if there is no such user
   */
  public String token(String user) {
    requireRunning();
    try (var lines = Files.lines(directory.resolve("tokens.csv"))) {
      return lines
          .map(line -> line.split(","))
          .filter(fields -> fields[1].equals(user))
          .map(fields -> fields[0])
          .findFirst()
          .orElseThrow(() ->
              new IllegalArgumentException(
                  "no user " + user + "; there are admin, alice, bob and carol"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the users' tokens", e);
    }
  }

  /** The certificate, in PEM, of the authority that signed the API server's. */
  public Path caCertificate() {
    return directory.resolve("ca.crt");
  }

  /** One JSON event a line, if the cluster was started with the audit log on. */
  public Path auditLog() {
    return directory.resolve("audit.log");
  }

  /** What the API server writes, over all its restarts. */
  public Path apiServerLog() {
    return directory.resolve("kube-apiserver.log");
  }

  /** A TLS context that trusts the API server and nothing else. */
  public SSLContext sslContext() {
    requireRunning();
    try (InputStream pem = Files.newInputStream(caCertificate())) {
      KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
      trusted.load(null, null);
      trusted.setCertificateEntry(
          "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot trust " + caCertificate(), e);
    }
  }

  /**
   * One GET, with whatever status it is answered. Blocks for 10 s at most.
   *
   * @param user whose token it carries
   * @param path such as {@code /api/v1/nodes}
   * @throws IOException if there is no answer
   */
  public HttpResponse<String> get(String user, String path) throws IOException {
    try (var client =
        HttpClient.newBuilder()
            .sslContext(sslContext())
            .connectTimeout(Duration.ofSeconds(10))
            .build()) {
      try {
        return client.send(
            HttpRequest.newBuilder(url().resolve(path))
                .header("Authorization", "Bearer " + token(user))
                .timeout(Duration.ofSeconds(10))
                .build(),
            HttpResponse.BodyHandlers.ofString());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      } finally {
        client.shutdownNow();
      }
    }
  }

  /**
   * Runs kubectl as admin, or as another user with {@code --context=alice} among the arguments, and
   * returns what it wrote. Blocks until it has ended.
   *
   * @throws IllegalStateException if it fails, with what it said, or takes longer than three
   *     minutes
   */
  public String kubectl(String... arguments) {
    return kubectlWithInput("", arguments);
  }

  /**
   * {@code kubectl apply -f -} as admin.
   *
   * @param manifests YAML documents, or JSON
   * @throws IllegalStateException if it fails, with what it said
   */
  public String apply(String manifests) {
    return kubectlWithInput(manifests, "apply", "-f", "-");
  }

  private String kubectlWithInput(String input, String... arguments) {
    requireRunning();
    return new Kubectl(bin, kubeconfig()).runWithInput(input, arguments);
  }

  /**
   * Restarts the API server alone, with the flags it had: etcd stays, watches end cleanly, its
   * history of events is gone. Blocks until it is ready again.
   *
   * @throws IllegalStateException if the cluster is shared, or the API server does not come back
   */
  public void restartApiServer() {
    command("restart-apiserver");
  }

  /**
   * Restarts the API server with other flags, in place of those the cluster was started with.
   *
   * @throws IllegalStateException if the cluster is shared, or the API server does not come back
   */
  public void restartApiServer(List<String> flags) {
    command("restart-apiserver", flags);
  }

  /**
   * Ends the API server and leaves it away: connections are refused. Its port stays its own.
   *
   * @throws IllegalStateException if the cluster is shared or the API server is stopped
   */
  public void stopApiServer() {
    command("stop-apiserver");
  }

  /**
   * Kills the API server, as a crash would: connections are reset.
   *
   * @throws IllegalStateException if the cluster is shared or the API server is stopped
   */
  public void crashApiServer() {
    command("stop-apiserver", "--kill");
  }

  /**
   * Starts the API server after it was stopped or has crashed. Blocks until it is ready.
   *
   * @throws IllegalStateException if the cluster is shared or the API server runs
   */
  public void startApiServer() {
    command("start-apiserver");
  }

  /**
   * Freezes the API server: its connections stay open and silent, new ones are accepted by the
   * kernel and not answered.
   *
   * @throws IllegalStateException if the cluster is shared or the API server is stopped
   */
  public void pauseApiServer() {
    command("pause-apiserver");
  }

  /**
   * Lets a paused API server go on.
   *
   * @throws IllegalStateException if the cluster is shared or the API server is stopped
   */
  public void resumeApiServer() {
    command("resume-apiserver");
  }

  /**
   * Saves etcd's state. The cluster goes on; a shared one may be saved, too.
   *
   * @param file replaced if it exists
   */
  public void snapshot(Path file) {
    execute(List.of("snapshot", directory.toString(), file.toAbsolutePath().toString()), List.of());
  }

  /**
   * Puts a saved state in place of the present one and restarts everything: objects are what they
   * were, resource versions run backwards. Blocks until the cluster is ready again.
   *
   * @throws IllegalStateException if the cluster is shared, or the file is not a whole snapshot
   *     (then nothing was changed)
   */
  public void restore(Path file) {
    refuseIfShared("restore");
    execute(List.of("restore", directory.toString(), file.toAbsolutePath().toString()), List.of());
  }

  /**
   * Compacts etcd up to now and lets the API server know, as another API server on the same etcd
   * does every five minutes. The API server looks for that every 15 s; from then on lists of an
   * older version, and continue tokens of older lists, are answered with 410. Watches are not
   * touched: their history is the API server's own.
   *
   * @throws IllegalStateException if the cluster is shared
   */
  public void compact() {
    command("compact");
  }

  private void command(String name, String... options) {
    refuseIfShared(name);
    var words = new ArrayList<String>(List.of(name));
    words.addAll(List.of(options));
    words.add(directory.toString());
    execute(words, List.of());
  }

  private void command(String name, List<String> flags) {
    refuseIfShared(name);
    var tail = new ArrayList<String>(List.of("--"));
    tail.addAll(flags);
    execute(List.of(name, directory.toString()), tail);
  }

  private void execute(List<String> words, List<String> tail) {
    var command = new ArrayList<String>(List.of(bin.resolve("sluice-cluster").toString()));
    command.addAll(words);
    command.addAll(tail);
    requireRunning();
    Program.run(new ProcessBuilder(command), "", PATIENCE);
  }

  private void requireRunning() {
    if (!supervisor.isAlive()) {
      Path errors = errors(directory);
      throw new IllegalStateException(
          Files.exists(errors)
              ? "the cluster in " + directory + " has ended: " + text(errors)
              : "the cluster in " + directory + " was closed");
    }
  }

  private void refuseIfShared(String command) {
    if (shared) {
      throw new IllegalStateException(
          command
              + " would disturb the other classes that share this cluster; ask for one of your own"
              + " with @RealApiServer(dedicated = true)");
    }
  }

  /** The directory of everything, there while the cluster runs. */
  Path directory() {
    return directory;
  }

  /** The program that owns the cluster. */
  Process supervisor() {
    return supervisor;
  }

  /** What {@code sluice-cluster status} would print for a key. */
  String property(String key) {
    requireRunning();
    var properties = new Properties();
    try (var reader = Files.newBufferedReader(directory.resolve("cluster.properties"))) {
      properties.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the state of the cluster in " + directory, e);
    }
    String value = properties.getProperty(key);
    if (value == null) {
      throw new IllegalStateException("the cluster says nothing about " + key + ": " + properties);
    }
    return value;
  }

  /** Where it is. */
  @Override
  public String toString() {
    return "cluster in " + directory;
  }

  /** Ends the cluster and waits until its processes and files are gone. Again: does nothing. */
  @Override
  public void close() {
    supervisor.destroy();
    try {
      if (!supervisor.waitFor(30, TimeUnit.SECONDS)) {
        // The kernel ends its children with it.
        supervisor.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      supervisor.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    try {
      Files.deleteIfExists(errors(directory));
    } catch (IOException e) {
      // A few lines below target/ stay.
    }
  }
}
