package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/**
 * A codec rejected an object's bytes. The object stays in the store, the stream goes on, and the
 * next version of the object is tried afresh.
 */
@Experimental
public final class DecodeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Resource resource;

  DecodeException(Resource resource, Throwable cause) {
    super(
        "cannot decode "
            + resource.key()
            + " at resource version "
            + resource.resourceVersion()
            + " ("
            + resource.length()
            + " bytes): "
            + cause,
        cause);
    this.resource = resource;
  }

  /** What could not be decoded. */
  public Resource resource() {
    return resource;
  }
}
