package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is found by which value, for each index: as immutable as the map of entries that it belongs
 * to, and published with it. It holds keys, so that another state of an object that is found by the
 * same values changes nothing here.
 */
public final class Indexes {
  private static final String[] NOTHING = {};

  private final List<Trie<String, Group>> groups;

  private Indexes(List<Trie<String, Group>> groups) {
    this.groups = groups;
  }

  /**
   * The objects of one value.
   *
   * @param alone the value, for all that are found by no other
   */
  private record Group(String value, String[] alone, Trie<ObjectKey, ObjectKey> keys) {}

  /** So many indexes, without anything in them. */
  static Indexes empty(int count) {
    @SuppressWarnings("unchecked")
    Trie<String, Group>[] groups = new Trie[count];
    Arrays.fill(groups, Trie.empty(Group::value));
    return new Indexes(List.of(groups));
  }

  /** How many objects have a value. */
  public int size(int index, String value) {
    Group group = groups.get(index).get(value);
    return group == null ? 0 : group.keys.size();
  }

  /** Shows the objects that have a value, in no particular order. */
  public void forEach(int index, String value, Consumer<ObjectKey> action) {
    Group group = groups.get(index).get(value);
    if (group != null) {
      group.keys.forEach(action);
    }
  }

  /** Whether an object has a value. */
  public boolean contains(int index, String value, ObjectKey key) {
    Group group = groups.get(index).get(value);
    return group != null && group.keys.get(key) != null;
  }

  /** Shows the values that there are, in no particular order. */
  public void forEachValue(int index, Consumer<String> action) {
    groups.get(index).forEach(group -> action.accept(group.value));
  }

  /** How many values there are. */
  public int values(int index) {
    return groups.get(index).size();
  }

  /** These values in the form in which others have them already, so that they share the memory. */
  String[] shared(int index, String[] values) {
    if (values.length == 0) {
      return NOTHING;
    }
    Trie<String, Group> present = groups.get(index);
    if (values.length == 1) {
      Group group = present.get(values[0]);
      return group == null ? values : group.alone;
    }
    for (int i = 0; i < values.length; i++) {
      Group group = present.get(values[i]);
      if (group != null) {
        values[i] = group.value;
      }
    }
    return values;
  }

  /**
   * After a change of one object.
   *
   * @param before by which values it was found, each index's without repetition; null for none
   * @param after by which it is found now
   */
  Indexes changed(ObjectKey key, String @Nullable [][] before, String @Nullable [][] after) {
    if (before == after) {
      return this;
    }
    @SuppressWarnings({"unchecked", "rawtypes"})
    Trie<String, Group>[] changed = groups.toArray(new Trie[0]);
    boolean any = false;
    for (int i = 0; i < changed.length; i++) {
      String[] old = before == null ? NOTHING : before[i];
      String[] now = after == null ? NOTHING : after[i];
      if (old == now || Arrays.equals(old, now)) {
        continue;
      }
      any = true;
      for (String value : old) {
        if (!Arrays.asList(now).contains(value)) {
          changed[i] = removed(changed[i], value, key);
        }
      }
      for (String value : now) {
        if (!Arrays.asList(old).contains(value)) {
          changed[i] = added(changed[i], value, now.length == 1 ? now : null, key);
        }
      }
    }
    return any ? new Indexes(List.of(changed)) : this;
  }

  private static Trie<String, Group> removed(
      Trie<String, Group> groups, String value, ObjectKey key) {
    Group group = groups.get(value);
    if (group == null) {
      return groups;
    }
    Trie<ObjectKey, ObjectKey> fewer = group.keys.without(key);
    return fewer.size() == 0
        ? groups.without(value)
        : groups.with(new Group(group.value, group.alone, fewer));
  }

  private static Trie<String, Group> added(
      Trie<String, Group> groups, String value, String @Nullable [] alone, ObjectKey key) {
    Group group = groups.get(value);
    if (group == null) {
      group =
          new Group(
              value,
              alone == null ? new String[] {value} : alone,
              Trie.empty((ObjectKey itself) -> itself));
    }
    return groups.with(new Group(group.value, group.alone, group.keys.with(key)));
  }
}
