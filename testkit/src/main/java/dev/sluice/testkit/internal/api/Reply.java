package dev.sluice.testkit.internal.api;

import java.util.List;
import java.util.Map;

/** What is sent back. */
public sealed interface Reply {

  /**
   * A whole response.
   *
   * @param headers headers beside the content type
   */
  record Full(int status, String contentType, byte[] body, List<Map.Entry<String, String>> headers)
      implements Reply {}

  /** A watch, which is read until it ends. */
  record Watching(WatchSource source, String contentType, List<Map.Entry<String, String>> headers)
      implements Reply {}
}
