package dev.sluice.cli.watch;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A resource made of what is given. */
record TestResource(
    ObjectKey key,
    String resourceVersion,
    long generation,
    boolean deleting,
    Map<String, String> labels,
    String text)
    implements Resource {

  static TestResource named(String name) {
    return new TestResource(
        ObjectKey.of("default", name), "7", 0, false, Map.of(), "{\"name\":\"" + name + "\"}");
  }

  @Override
  public String uid() {
    return "uid-" + key;
  }

  @Override
  public Map<String, String> annotations() {
    return Map.of();
  }

  @Override
  public byte[] json() {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public int length() {
    return json().length;
  }
}
