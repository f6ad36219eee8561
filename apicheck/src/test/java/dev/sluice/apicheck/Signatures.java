package dev.sluice.apicheck;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.AnnotatedTypeVariable;
import java.lang.reflect.AnnotatedWildcardType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The public API of an artifact as sorted lines of text: what its module exports to all, as far as
 * it is public or protected. A line says all that its users can depend on (kind, modifiers, type
 * parameters, types with their nullness, exceptions) and begins with {@code experimental} if the
 * thing or what it stands in is marked {@link Experimental}.
 *
 * <p>Left out is what the language makes by itself and can't differ: an enum's {@code values} and
 * {@code valueOf}, a record's {@code equals}, {@code hashCode} and {@code toString}, bridges.
 */
final class Signatures {
  private Signatures() {}

  /** Lists the API of the module in a jar or a folder of classes. */
  static List<String> of(Path artifact) throws IOException, ClassNotFoundException {
    ModuleDescriptor module =
        ModuleFinder.of(artifact).findAll().stream()
            .map(reference -> reference.descriptor())
            .findFirst()
            .orElseThrow(() -> new IOException(artifact + " holds no module"));
    TreeSet<String> lines = new TreeSet<>();
    for (ModuleDescriptor.Exports exports : module.exports()) {
      if (!exports.isQualified()) {
        for (String name : topLevelTypes(artifact, exports.source())) {
          add(Class.forName(name, false, Signatures.class.getClassLoader()), lines);
        }
      }
    }
    return List.copyOf(lines);
  }

  private static List<String> topLevelTypes(Path artifact, String packageName) throws IOException {
    String folder = packageName.replace('.', '/');
    if (Files.isDirectory(artifact)) {
      return topLevelTypesIn(artifact.resolve(folder), packageName);
    }
    try (FileSystem jar = FileSystems.newFileSystem(artifact)) {
      return topLevelTypesIn(jar.getPath(folder), packageName);
    }
  }

  private static List<String> topLevelTypesIn(Path folder, String packageName) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".class") && !name.contains("$") && !name.contains("-"))
          .map(name -> packageName + "." + name.substring(0, name.length() - ".class".length()))
          .sorted()
          .toList();
    }
  }

  /** Adds the lines of a type, its members and its nested types. */
  static void add(Class<?> type, TreeSet<String> lines) {
    if (!isApi(type.getModifiers())) {
      return;
    }
    lines.add(mark(type) + name(type) + ": " + declaration(type));
    for (Field field : type.getDeclaredFields()) {
      if (isApi(field.getModifiers()) && !field.isSynthetic()) {
        lines.add(memberLine(type, field, field, fieldText(field)));
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (isApi(constructor.getModifiers()) && !constructor.isSynthetic()) {
        lines.add(
            memberLine(
                type,
                constructor,
                constructor,
                typeParameters(constructor.getTypeParameters())
                    + parameters(constructor)
                    + thrown(constructor)));
      }
    }
    for (Method method : type.getDeclaredMethods()) {
      if (isApi(method.getModifiers()) && !method.isSynthetic() && !isImplied(type, method)) {
        lines.add(memberLine(type, method, method, methodText(type, method)));
      }
    }
    for (Class<?> nested : type.getDeclaredClasses()) {
      add(nested, lines);
    }
  }

  private static boolean isApi(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static boolean isImplied(Class<?> type, Method method) {
    List<Class<?>> parameters = List.of(method.getParameterTypes());
    return switch (method.getName()) {
      case "values" -> type.isEnum() && parameters.isEmpty();
      case "valueOf" -> type.isEnum() && parameters.equals(List.of(String.class));
      case "equals" -> type.isRecord() && parameters.equals(List.of(Object.class));
      case "hashCode", "toString" -> type.isRecord() && parameters.isEmpty();
      default -> false;
    };
  }

  private static String memberLine(
      Class<?> type, Member member, AnnotatedElement element, String text) {
    String mark = element.isAnnotationPresent(Experimental.class) ? "experimental " : mark(type);
    String modifiers =
        Modifier.toString(
            member.getModifiers()
                & (Modifier.PUBLIC
                    | Modifier.PROTECTED
                    | Modifier.STATIC
                    | Modifier.FINAL
                    | Modifier.ABSTRACT));
    return mark + name(type) + "." + member(member) + ": " + modifiers + " " + text;
  }

  private static String member(Member member) {
    return member instanceof Constructor ? "new" : member.getName();
  }

  private static String mark(Class<?> type) {
    for (Class<?> outer = type; outer != null; outer = outer.getEnclosingClass()) {
      if (outer.isAnnotationPresent(Experimental.class)) {
        return "experimental ";
      }
    }
    Package inPackage = type.getPackage();
    return inPackage != null && inPackage.isAnnotationPresent(Experimental.class)
        ? "experimental "
        : "";
  }

  private static String declaration(Class<?> type) {
    StringBuilder text = new StringBuilder();
    int modifiers = type.getModifiers();
    text.append(Modifier.isPublic(modifiers) ? "public " : "protected ");
    if (Modifier.isStatic(modifiers) && !type.isInterface() && !type.isEnum() && !type.isRecord()) {
      text.append("static ");
    }
    if (Modifier.isAbstract(modifiers) && !type.isInterface() && !type.isEnum()) {
      text.append("abstract ");
    }
    // That an enum or a sealed interface's own package-private types are extended is no promise.
    if (type.isSealed() && !type.isEnum()) {
      text.append("sealed ");
    } else if (Modifier.isFinal(modifiers) && !type.isRecord() && !type.isEnum()) {
      text.append("final ");
    }
    text.append(kind(type)).append(' ').append(typeParameters(type.getTypeParameters()));
    AnnotatedType parent = type.getAnnotatedSuperclass();
    if (parent != null && !type.isRecord() && !type.isEnum() && parent.getType() != Object.class) {
      text.append("extends ").append(text(parent)).append(' ');
    }
    AnnotatedType[] parents = type.getAnnotatedInterfaces();
    if (parents.length > 0) {
      text.append(type.isInterface() ? "extends " : "implements ");
      text.append(Arrays.stream(parents).map(Signatures::text).collect(Collectors.joining(", ")));
      text.append(' ');
    }
    Class<?>[] permitted = type.getPermittedSubclasses();
    if (permitted != null && !type.isEnum()) {
      List<String> visible =
          Arrays.stream(permitted)
              .filter(each -> isApi(each.getModifiers()))
              .map(Signatures::name)
              .sorted()
              .toList();
      if (!visible.isEmpty()) {
        text.append("permits ").append(String.join(", ", visible));
      }
    }
    return text.toString().strip();
  }

  private static String kind(Class<?> type) {
    if (type.isAnnotation()) {
      return "@interface";
    }
    return type.isInterface()
        ? "interface"
        : type.isEnum() ? "enum" : type.isRecord() ? "record" : "class";
  }

  private static String fieldText(Field field) {
    String text = text(field.getAnnotatedType());
    // The compiler copies a constant's value into whoever uses it.
    if (Modifier.isStatic(field.getModifiers())
        && Modifier.isFinal(field.getModifiers())
        && (field.getType().isPrimitive() || field.getType() == String.class)) {
      try {
        return text + " = " + field.get(null);
      } catch (IllegalAccessException e) {
        return text;
      }
    }
    return text;
  }

  private static String methodText(Class<?> type, Method method) {
    return (method.isDefault() ? "default " : "")
        + typeParameters(method.getTypeParameters())
        + parameters(method)
        + " "
        + text(method.getAnnotatedReturnType())
        + thrown(method)
        + (type.isAnnotation() && method.getDefaultValue() != null ? " with default" : "");
  }

  private static String parameters(Executable executable) {
    List<String> texts = new ArrayList<>();
    AnnotatedType[] types = executable.getAnnotatedParameterTypes();
    for (int i = 0; i < types.length; i++) {
      String text = text(types[i]);
      boolean variable = executable.isVarArgs() && i == types.length - 1;
      texts.add(variable ? text.substring(0, text.length() - 2) + "..." : text);
    }
    return "(" + String.join(", ", texts) + ")";
  }

  private static String thrown(Executable executable) {
    AnnotatedType[] types = executable.getAnnotatedExceptionTypes();
    return types.length == 0
        ? ""
        : " throws "
            + Arrays.stream(types).map(Signatures::text).sorted().collect(Collectors.joining(", "));
  }

  private static String typeParameters(TypeVariable<?>[] variables) {
    if (variables.length == 0) {
      return "";
    }
    return Arrays.stream(variables)
        .map(variable -> {
          String bounds =
              Arrays.stream(variable.getAnnotatedBounds())
                  .map(Signatures::text)
                  .filter(bound -> !bound.equals("java.lang.Object"))
                  .collect(Collectors.joining(" & "));
          return variable.getName() + (bounds.isEmpty() ? "" : " extends " + bounds);
        })
        .collect(Collectors.joining(", ", "<", "> "));
  }

  private static String text(AnnotatedType type) {
    String nullable = type.isAnnotationPresent(Nullable.class) ? "?" : "";
    return switch (type) {
      case AnnotatedArrayType array ->
          text(array.getAnnotatedGenericComponentType()) + "[]" + nullable;
      case AnnotatedTypeVariable variable -> variable.getType().getTypeName() + nullable;
      case AnnotatedWildcardType wildcard -> {
        if (wildcard.getAnnotatedLowerBounds().length > 0) {
          yield "? super " + text(wildcard.getAnnotatedLowerBounds()[0]);
        }
        String upper = text(wildcard.getAnnotatedUpperBounds()[0]);
        yield upper.equals("java.lang.Object") ? "?" : "? extends " + upper;
      }
      case AnnotatedParameterizedType parameterized ->
          rawName(((ParameterizedType) parameterized.getType()).getRawType())
              + Arrays.stream(parameterized.getAnnotatedActualTypeArguments())
                  .map(Signatures::text)
                  .collect(Collectors.joining(", ", "<", ">"))
              + nullable;
      default -> rawName(type.getType()) + nullable;
    };
  }

  private static String rawName(Type type) {
    return type instanceof Class<?> raw ? name(raw) : type.getTypeName();
  }

  private static String name(Class<?> type) {
    String name = type.getCanonicalName();
    return name == null ? type.getName() : name;
  }
}
