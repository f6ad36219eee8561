package dev.sluice.kube;

/** The resource itself. */
enum NoCodec implements Codec<Resource> {
  INSTANCE;

  @Override
  public Resource decode(byte[] json) {
    throw new UnsupportedOperationException("a resource is read by Codec.read, not from bytes");
  }

  @Override
  public Resource read(Resource resource) {
    return resource;
  }
}
