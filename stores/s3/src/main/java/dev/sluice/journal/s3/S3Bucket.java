package dev.sluice.journal.s3;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalStore.Pace;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A bucket of S3: a blob is an object, its tag the ETag. */
final class S3Bucket implements JournalBucket {
  /** What one request deletes at most. */
  private static final int AT_ONCE = 1000;

  // A segment each 10 s: five requests a minute for pieces and as many for the manifest.
  private static final Pace PACE =
      new Pace(
          false,
          Duration.ofSeconds(10),
          Duration.ofMinutes(5),
          3,
          Duration.ofMinutes(15),
          64L << 20,
          Duration.ofSeconds(30));

  private final S3Client client;
  private final String bucket;
  private final String prefix;
  private final String where;

  S3Bucket(S3Client client, String bucket, String prefix, String where) {
    this.client = client;
    this.bucket = bucket;
    this.prefix = prefix + "/";
    this.where = where;
  }

  @Override
  public String where() {
    return where;
  }

  @Override
  public Pace pace() {
    return PACE;
  }

  @Override
  public int partBytes() {
    return 4 << 20;
  }

  @Override
  public long totalBytes() {
    return 64L << 30;
  }

  @Override
  public Optional<Blob> get(String name) throws IOException {
    return asked(
        "read " + name,
        () -> {
          try {
            ResponseBytes<GetObjectResponse> found =
                client.getObjectAsBytes(request -> request.bucket(bucket).key(prefix + name));
            return Optional.of(new Blob(found.asByteArrayUnsafe(), found.response().eTag()));
          } catch (NoSuchKeyException e) {
            return Optional.empty();
          }
        });
  }

  @Override
  public void put(String name, byte[] bytes) throws IOException {
    asked("write " + name, () -> client.putObject(put(name).build(), RequestBody.fromBytes(bytes)));
  }

  private PutObjectRequest.Builder put(String name) {
    return PutObjectRequest.builder()
        .bucket(bucket)
        .key(prefix + name)
        .contentType("application/octet-stream");
  }

  @Override
  public Optional<String> replace(String name, byte[] bytes, Optional<String> tag)
      throws IOException {
    PutObjectRequest.Builder request = put(name);
    tag.ifPresentOrElse(request::ifMatch, () -> request.ifNoneMatch("*"));
    return asked(
        "replace " + name,
        () -> {
          try {
            return Optional.of(
                client.putObject(request.build(), RequestBody.fromBytes(bytes)).eTag());
          } catch (S3Exception e) {
            // 412: the condition does not hold; 409: somebody else is about to write;
            // 404: there is none to be replaced.
            if (e.statusCode() == 412
                || e.statusCode() == 409
                || e.statusCode() == 404 && tag.isPresent() && !code(e).equals("NoSuchBucket")) {
              return Optional.empty();
            }
            throw e;
          }
        });
  }

  @Override
  public void delete(Collection<String> names) throws IOException {
    List<String> all = List.copyOf(names);
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      List<ObjectIdentifier> some = new ArrayList<>();
      for (String name : all.subList(from, Math.min(all.size(), from + AT_ONCE))) {
        some.add(ObjectIdentifier.builder().key(prefix + name).build());
      }
      DeleteObjectsResponse done =
          asked(
              "delete " + some.size() + " objects",
              () ->
                  client.deleteObjects(request ->
                      request.bucket(bucket).delete(delete -> delete.objects(some).quiet(true))));
      if (done.hasErrors() && !done.errors().isEmpty()) {
        throw new IOException(
            where
                + ": cannot delete "
                + done.errors().getFirst().key()
                + " and "
                + (done.errors().size() - 1)
                + " more: "
                + done.errors().getFirst().message());
      }
    }
  }

  @Override
  public List<String> list() throws IOException {
    return asked(
        "list",
        () -> {
          List<String> names = new ArrayList<>();
          for (S3Object object :
              client
                  .listObjectsV2Paginator(request -> request.bucket(bucket).prefix(prefix))
                  .contents()) {
            names.add(object.key().substring(prefix.length()));
          }
          return names;
        });
  }

  private <R> R asked(String what, Supplier<R> request) throws IOException {
    try {
      return request.get();
    } catch (S3Exception e) {
      throw new IOException(where + ": cannot " + what + ": " + reason(e), e);
    } catch (SdkException e) {
      throw new IOException(where + ": cannot " + what + ": " + e.getMessage(), e);
    }
  }

  private static String code(S3Exception e) {
    AwsErrorDetails details = e.awsErrorDetails();
    String code = details == null ? null : details.errorCode();
    return code == null ? "" : code;
  }

  private String reason(S3Exception e) {
    String said = "HTTP " + e.statusCode() + " " + code(e) + ", " + e.getMessage();
    if (code(e).equals("NoSuchBucket")) {
      return said + ". The bucket must be made first, and be in the region that is asked";
    }
    if (e.statusCode() == 403) {
      return said
          + ". What is needed on this bucket is s3:ListBucket, and s3:GetObject, s3:PutObject and"
          + " s3:DeleteObject on "
          + prefix
          + "*";
    }
    return said;
  }
}
