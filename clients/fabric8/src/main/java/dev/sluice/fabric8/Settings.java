package dev.sluice.fabric8;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.StandardHttpClientBuilder;
import io.fabric8.kubernetes.client.utils.HttpClientUtils;
import org.jspecify.annotations.Nullable;

/**
 * What fabric8 would tell an HTTP client of its own: TLS, proxy, time-outs, and the interceptors
 * that add credentials and renew them. Builds nothing.
 */
final class Settings extends StandardHttpClientBuilder<HttpClient, HttpClient.Factory, Settings> {
  private static final String DEFAULT_FACTORY =
      "io.fabric8.kubernetes.client.vertx5.Vertx5HttpClientFactory";

  private Settings(HttpClient.Factory factory) {
    super(factory);
  }

  /** Those that follow from a configuration. */
  static StandardHttpClientBuilder<?, ?, ?> of(Config config) {
    // An HTTP client of fabric8's is needed only where a token is renewed at an OpenID provider.
    HttpClient.Factory factory = () -> HttpClientUtils.getHttpClientFactory().newBuilder();
    Settings settings = new Settings(factory);
    HttpClientUtils.applyCommonConfiguration(config, settings, factory);
    return settings;
  }

  /**
   * Those of a client that uses fabric8's default HTTP client as it comes, interceptors added by
   * the user included; null for a client whose HTTP client somebody has chosen.
   */
  static @Nullable StandardHttpClientBuilder<?, ?, ?> of(KubernetesClient client) {
    return client.getHttpClient().newBuilder() instanceof StandardHttpClientBuilder<?, ?, ?> of
            && of.getClientFactory() != null
            && of.getClientFactory().getClass().getName().equals(DEFAULT_FACTORY)
        ? of
        : null;
  }

  @Override
  public HttpClient build() {
    throw new UnsupportedOperationException("settings only");
  }

  @Override
  protected Settings newInstance(HttpClient.Factory factory) {
    return new Settings(factory);
  }
}
