package dev.sluice.fabric8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Self-signed identities, made with the JDK's own keytool. */
final class TestCertificates {
  private static final char[] PASSWORD = "changeit".toCharArray();
  private final Path directory;

  TestCertificates(Path directory) {
    this.directory = directory;
  }

  /**
   * Makes a key pair and its certificate.
   *
   * @param alternativeName as keytool takes it: {@code ip:127.0.0.1}
   */
  Identity identity(String name, String alternativeName)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path file = directory.resolve(name + ".p12");
    keytool(
        "-genkeypair",
        "-alias",
        name,
        "-dname",
        "CN=" + name,
        "-ext",
        "san=" + alternativeName,
        "-keyalg",
        "EC",
        "-validity",
        "2",
        "-storetype",
        "PKCS12",
        "-keystore",
        file.toString(),
        "-storepass",
        new String(PASSWORD));
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    }
    return new Identity(name, store);
  }

  private static void keytool(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(Arrays.asList(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("keytool failed: " + output);
    }
  }

  record Identity(String name, KeyStore store) {
    String certificatePem() throws GeneralSecurityException {
      return pem("CERTIFICATE", store.getCertificate(name).getEncoded());
    }

    String keyPem() throws GeneralSecurityException {
      return pem("PRIVATE KEY", store.getKey(name, PASSWORD).getEncoded());
    }

    private static String pem(String what, byte[] der) {
      return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
          .formatted(what, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der), what);
    }

    /** Presents this identity, and trusts the peer's. */
    SSLContext context(Identity peer) throws GeneralSecurityException, IOException {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, PASSWORD);
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry(peer.name, peer.store.getCertificate(peer.name));
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    }
  }
}
