package dev.sluice.journal.etcd;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.JournalStore.Ownership;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A journal's store in etcd (3.4 or newer), below a prefix of its own.
 *
 * <pre>{@code
 * JournalStore store =
 *     EtcdJournal.at(URI.create("https://etcd-0.etcd:2379"), URI.create("https://etcd-1.etcd:2379"))
 *         .prefix("sluice/prod/pods")
 *         .caCertificate(Path.of("/tls/ca.crt"))
 *         .clientCertificate(Path.of("/tls/tls.crt"), Path.of("/tls/tls.key"))
 *         .store();
 * Informer.of(transport, kind).journal(Journal.in(store).withoutValues()).start();
 * }</pre>
 *
 * <p>It holds at most 64 MiB, which is far more than a journal without values needs and little for
 * objects. Use an etcd of your own: not the one that the API server keeps the cluster in. It must
 * be compacted, as any etcd ({@code --auto-compaction-retention}).
 *
 * <p>A builder is not thread-safe; the store is what {@link JournalStore} says.
 */
@Experimental
public final class EtcdJournal {
  private final List<URI> endpoints;
  private String prefix = "sluice";
  private @Nullable SSLContext tls;
  private @Nullable Path ca;
  private @Nullable Path certificate;
  private @Nullable Path key;
  private String user = "";
  private String password = "";
  private Duration timeout = Duration.ofSeconds(10);
  private Ownership ownership = Ownership.standard().lease(Duration.ofSeconds(15));

  private EtcdJournal(List<URI> endpoints) {
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("at least one endpoint is needed");
    }
    for (URI endpoint : endpoints) {
      String scheme = String.valueOf(endpoint.getScheme()).toLowerCase(Locale.ROOT);
      if (!scheme.equals("http") && !scheme.equals("https") || endpoint.getHost() == null) {
        throw new IllegalArgumentException(
            "an endpoint is http://HOST:PORT or https://HOST:PORT, not '" + endpoint + "'");
      }
    }
    this.endpoints = endpoints;
  }

  /** In an etcd whose members are reached there; they are tried one after the other. */
  public static EtcdJournal at(URI... endpoints) {
    return new EtcdJournal(List.of(endpoints));
  }

  /**
   * Below a prefix, which no other journal must have, and from which everything else is removed:
   * {@code sluice} unless told otherwise.
   *
   * @throws IllegalArgumentException if it is empty
   */
  public EtcdJournal prefix(String changed) {
    String trimmed = changed.replaceAll("/+$", "");
    if (trimmed.isBlank()) {
      throw new IllegalArgumentException(
          "a journal needs a prefix of its own, not '" + changed + "'");
    }
    prefix = trimmed;
    return this;
  }

  /** With a way of its own to trust and to be trusted, instead of files. */
  public EtcdJournal tls(SSLContext changed) {
    tls = Objects.requireNonNull(changed, "tls");
    return this;
  }

  /** Trusting the authorities in a PEM file, and no others. */
  public EtcdJournal caCertificate(Path pem) {
    ca = Objects.requireNonNull(pem, "pem");
    return this;
  }

  /**
   * Showing a certificate.
   *
   * @param pem the certificate and those above it
   * @param keyPem its private key, in PKCS#8 ({@code BEGIN PRIVATE KEY}), RSA or EC
   */
  public EtcdJournal clientCertificate(Path pem, Path keyPem) {
    certificate = Objects.requireNonNull(pem, "pem");
    key = Objects.requireNonNull(keyPem, "keyPem");
    return this;
  }

  /** As a user of etcd's, who may read and write below the prefix. */
  public EtcdJournal user(String name, String secret) {
    user = Objects.requireNonNull(name, "name");
    password = Objects.requireNonNull(secret, "secret");
    return this;
  }

  /** How long a member may take to answer: 10 s unless told otherwise. */
  public EtcdJournal timeout(Duration changed) {
    if (changed.compareTo(Duration.ofMillis(10)) < 0) {
      throw new IllegalArgumentException("a timeout is at least 10 ms, not " + changed);
    }
    timeout = changed;
    return this;
  }

  /** Held in another way than usual, which is with a lease of 15 s. */
  public EtcdJournal ownership(Ownership changed) {
    ownership = Objects.requireNonNull(changed, "ownership");
    return this;
  }

  /**
   * The store. Sends nothing yet.
   *
   * @throws IllegalArgumentException if a certificate or key cannot be read
   */
  public JournalStore store() {
    return JournalStore.shared(bucket(), ownership);
  }

  EtcdBucket bucket() {
    SSLContext context = tls;
    if (context == null && (ca != null || certificate != null)) {
      try {
        context = Pem.context(ca, certificate, key);
      } catch (IOException e) {
        throw new IllegalArgumentException(e.getMessage(), e);
      }
    }
    return new EtcdBucket(new Gateway(endpoints, context, user, password, timeout), prefix);
  }
}
