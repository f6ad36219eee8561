// Writes what the embedded API server needs to know about the built-in kinds, read by reflection
// from the released Go types: the fields of each struct in their order, JSON names, what is left
// out when it is empty, how strategic merge patch treats it, and its number in protobuf. One JSON
// document on standard output; README.md beside this file says how to run it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Roots: every type that is reached from one of these is written.
var roots = []any{
	corev1.Namespace{}, corev1.Pod{}, corev1.ConfigMap{}, corev1.Secret{}, corev1.Service{},
	corev1.ServiceAccount{}, corev1.Event{},
	appsv1.Deployment{}, coordinationv1.Lease{}, eventsv1.Event{},
	apiextensionsv1.CustomResourceDefinition{},
	metav1.DeleteOptions{}, metav1.Status{}, metav1.ObjectMeta{}, metav1.LabelSelector{},
}

// Types with their own JSON form: written as a leaf of this name.
var leaves = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "microtime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "raw",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "intorstring",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "schemaorbool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "schemaorarray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "schemaorstrings",
}

type field struct {
	Name     string `json:"n"`
	Type     string `json:"t"`
	Omit     string `json:"o,omitempty"` // "e": omitempty, "z": omitzero
	Strategy string `json:"ps,omitempty"`
	MergeKey string `json:"mk,omitempty"`
	Protobuf string `json:"p,omitempty"` // its number; "2.7": field 7 of the message in field 2
}

type structure struct {
	Go     string  `json:"go"`
	Fields []field `json:"f"`
}

var out = map[string]*structure{}

func key(t reflect.Type) string {
	p := t.PkgPath()
	p = strings.TrimPrefix(p, "k8s.io/api/")
	p = strings.TrimPrefix(p, "k8s.io/apiextensions-apiserver/pkg/apis/")
	p = strings.TrimPrefix(p, "k8s.io/apimachinery/pkg/apis/")
	return p + "." + t.Name()
}

// describe gives the type's expression: a leaf, "*T", "[]T", "map[string]T" or "#struct".
func describe(t reflect.Type) string {
	if leaf, ok := leaves[t.PkgPath()+"."+t.Name()]; ok {
		return leaf
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + describe(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + describe(t.Elem())
	case reflect.Map:
		return "{}" + describe(t.Elem())
	case reflect.Struct:
		visit(t)
		return "#" + key(t)
	case reflect.String:
		if t.PkgPath() != "" {
			return "string:" + t.String()
		}
		return "string"
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return t.Kind().String()
	default:
		panic(fmt.Sprintf("no description of %v", t))
	}
}

func visit(t reflect.Type) {
	k := key(t)
	if _, ok := out[k]; ok {
		return
	}
	s := &structure{Go: t.String()}
	out[k] = s
	collect(t, s, "")
}

// number gives a field's place in protobuf inside the messages of prefix, or nothing.
func number(f reflect.StructField, prefix string) string {
	parts := strings.Split(f.Tag.Get("protobuf"), ",")
	if prefix == "-" || len(parts) < 2 {
		return ""
	}
	return prefix + parts[1]
}

// collect lists a struct's fields. Embedded ones are flat in JSON; in protobuf they are a message of
// their own, or, as TypeMeta, not there at all: prefix is then "-".
func collect(t reflect.Type, s *structure, prefix string) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" || !f.IsExported() {
			continue
		}
		parts := strings.Split(tag, ",")
		if parts[0] == "" {
			if f.Anonymous {
				inner := "-"
				if n := number(f, prefix); n != "" {
					inner = n + "."
				}
				collect(f.Type, s, inner)
				continue
			}
			panic(fmt.Sprintf("%v.%s has no JSON name", t, f.Name))
		}
		omit := ""
		for _, p := range parts[1:] {
			switch p {
			case "omitempty":
				omit += "e"
			case "omitzero":
				omit += "z"
			}
		}
		s.Fields = append(s.Fields, field{
			Name: parts[0], Type: describe(f.Type), Omit: omit,
			Strategy: f.Tag.Get("patchStrategy"), MergeKey: f.Tag.Get("patchMergeKey"),
			Protobuf: number(f, prefix),
		})
	}
}

func main() {
	for _, r := range roots {
		visit(reflect.TypeOf(r))
	}
	names := make([]string, 0, len(out))
	for n := range out {
		names = append(names, n)
	}
	sort.Strings(names)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	fmt.Fprintln(w, "{")
	for i, n := range names {
		line, err := json.Marshal(out[n])
		if err != nil {
			panic(err)
		}
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Fprintf(w, "%q: %s%s\n", n, line, comma)
	}
	fmt.Fprintln(w, "}")
}
