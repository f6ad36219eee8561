package dev.sluice.journal.s3;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.JournalStore.Ownership;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/**
 * A journal's store in an S3 bucket, below a prefix of its own.
 *
 * <pre>{@code
 * JournalStore store = S3Journal.in("operator-state").prefix("prod/pods").store();
 * Informer.of(transport, kind).journal(Journal.in(store)).start();
 * }</pre>
 *
 * <p>Credentials and region are found as the AWS SDK finds them: in the environment, a web identity
 * (IAM roles for service accounts), EKS Pod Identity, a profile, the instance. The bucket must know
 * conditional writes ({@code If-Match} and {@code If-None-Match} of PutObject, as S3 has since
 * November 2024); one that ignores them is refused when it is opened.
 *
 * <p>A builder is not thread-safe; the store is what {@link JournalStore} says.
 */
@Experimental
public final class S3Journal {
  private final String bucket;
  private String prefix = "sluice";
  private @Nullable String region;
  private @Nullable URI endpoint;
  private boolean pathStyle;
  private @Nullable S3Client client;
  private Ownership ownership = Ownership.standard();

  private S3Journal(String bucket) {
    if (bucket.isBlank() || bucket.contains("/")) {
      throw new IllegalArgumentException("'" + bucket + "' is no name of a bucket");
    }
    this.bucket = bucket;
  }

  /** In a bucket, which must be there. */
  public static S3Journal in(String bucket) {
    return new S3Journal(bucket);
  }

  /**
   * Below a prefix, which no other journal must have, and from which everything else is removed:
   * {@code sluice} unless told otherwise.
   *
   * @throws IllegalArgumentException if it is empty
   */
  public S3Journal prefix(String changed) {
    String trimmed = changed.replaceAll("^/+|/+$", "");
    if (trimmed.isBlank()) {
      throw new IllegalArgumentException(
          "a journal needs a prefix of its own, not '" + changed + "'");
    }
    prefix = trimmed;
    return this;
  }

  /** In a region, {@code eu-central-1} say, instead of the one that the SDK finds. */
  public S3Journal region(String changed) {
    region = Objects.requireNonNull(changed, "region");
    return this;
  }

  /** On another server than AWS's, which is asked with the bucket's name in the path. */
  public S3Journal endpoint(URI changed) {
    endpoint = Objects.requireNonNull(changed, "endpoint");
    pathStyle = true;
    return this;
  }

  /**
   * Through a client of the user's, with credentials, region and limits as it has them. It is not
   * closed.
   */
  public S3Journal client(S3Client changed) {
    client = Objects.requireNonNull(changed, "client");
    return this;
  }

  /** Held in another way than {@linkplain Ownership#standard() usual}. */
  public S3Journal ownership(Ownership changed) {
    ownership = Objects.requireNonNull(changed, "ownership");
    return this;
  }

  /**
   * The store. Sends nothing yet.
   *
   * @throws IllegalArgumentException if no region is given or found
   */
  public JournalStore store() {
    return JournalStore.shared(bucket(), ownership);
  }

  S3Bucket bucket() {
    String where =
        "s3://" + bucket + "/" + prefix + (endpoint == null ? "" : " (" + endpoint + ")");
    return new S3Bucket(client == null ? ownClient() : client, bucket, prefix, where);
  }

  private S3Client ownClient() {
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder()
                    .connectionTimeout(Duration.ofSeconds(5))
                    .socketTimeout(Duration.ofSeconds(20)))
            .overrideConfiguration(o ->
                o.apiCallAttemptTimeout(Duration.ofSeconds(30))
                    .apiCallTimeout(Duration.ofSeconds(60)))
            // The journal has checksums of its own, and other servers do not all know trailers.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .forcePathStyle(pathStyle);
    if (endpoint != null) {
      builder.endpointOverride(endpoint);
    }
    if (region != null) {
      builder.region(Region.of(region));
    }
    try {
      return builder.build();
    } catch (SdkClientException e) {
      throw new IllegalArgumentException(
          "no client for the bucket " + bucket + " can be made: " + e.getMessage(), e);
    }
  }
}
