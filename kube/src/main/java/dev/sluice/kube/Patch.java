package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/** The kinds of patches. */
@Experimental
public enum Patch {
  /** A list of operations (RFC 6902). */
  JSON("application/json-patch+json"),
  /** What is to be merged; null removes (RFC 7386). */
  MERGE("application/merge-patch+json"),
  /** A merge that knows the lists of built-in kinds; other kinds refuse it (415). */
  STRATEGIC("application/strategic-merge-patch+json");

  private final String mediaType;

  Patch(String mediaType) {
    this.mediaType = mediaType;
  }

  /** The media type of its body. */
  public String mediaType() {
    return mediaType;
  }
}
