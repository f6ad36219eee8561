package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// user is someone who has a token. grants are posted to the API server once it is ready.
type user struct {
	name   string
	groups []string
	token  string
	grants []grant
}

// grant binds a user to a cluster role, in one namespace or, without one, in all of them.
type grant struct {
	clusterRole string
	namespace   string
}

const controllerManagerUser = "system:kube-controller-manager"

// The users of every cluster; README.md lists them. Only admin is in system:masters and so exempt from priority and
// fairness: tests of overload use the others. The roles edit and view are empty until a controller has filled them from
// the roles that are to be aggregated; those are granted, too, since no controller may run.
func everyone() []user {
	return []user{
		{name: "admin", groups: []string{"system:masters"}},
		{name: "alice", groups: []string{"testers"}, grants: []grant{{clusterRole: "cluster-admin"}}},
		{name: "bob", groups: []string{"testers"}, grants: []grant{
			{clusterRole: "edit", namespace: "default"},
			{clusterRole: "system:aggregate-to-edit", namespace: "default"},
			{clusterRole: "system:aggregate-to-view", namespace: "default"},
		}},
		{name: "carol", groups: []string{"testers"}, grants: []grant{
			{clusterRole: "view"},
			{clusterRole: "system:aggregate-to-view"},
		}},
		{name: controllerManagerUser}, // the role comes with Kubernetes
	}
}

// identity is what the cluster and its users prove themselves with. Files: ca.crt, ca.key, apiserver.crt, apiserver.key,
// admin.crt, admin.key, service-account.key, tokens.csv.
type identity struct {
	dir   string
	users []user
}

// newIdentity writes the files that a start needs. The authority, the service accounts' key and the tokens that an
// earlier cluster left in dir stay as they are, so that its kubeconfigs' secrets stay good.
func newIdentity(dir string) (*identity, error) {
	id := &identity{dir: dir, users: everyone()}
	ca, caKey, err := id.authority()
	if err != nil {
		return nil, err
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if err := id.issue("apiserver", server, ca, caKey); err != nil {
		return nil, err
	}
	admin := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if err := id.issue("admin", admin, ca, caKey); err != nil {
		return nil, err
	}
	if _, err := id.key("service-account.key"); err != nil {
		return nil, err
	}
	return id, id.tokens()
}

func (id *identity) path(name string) string {
	return filepath.Join(id.dir, name)
}

func (id *identity) authority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := id.key("ca.key")
	if err != nil {
		return nil, nil, err
	}
	if data, err := os.ReadFile(id.path("ca.crt")); err == nil {
		block, _ := pem.Decode(data)
		if block == nil {
			return nil, nil, fmt.Errorf("%s holds no certificate; remove the directory's contents and start again", id.path("ca.crt"))
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		return ca, key, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "sluice-cluster CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if err := id.sign("ca.crt", template, template, key, key); err != nil {
		return nil, nil, err
	}
	return id.authority()
}

func (id *identity) issue(name string, template, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	key, err := id.key(name + ".key")
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	return id.sign(name+".crt", template, ca, key, caKey)
}

func (id *identity) sign(file string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(5, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return fmt.Errorf("cannot sign %s: %w", file, err)
	}
	return id.writePEM(file, "CERTIFICATE", der)
}

// key reads the private key in a file, or makes one.
func (id *identity) key(file string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(id.path(file))
	if err == nil {
		block, _ := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("%s holds no key; remove the directory's contents and start again", id.path(file))
		}
		return x509.ParseECPrivateKey(block.Bytes)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, id.writePEM(file, "EC PRIVATE KEY", der)
}

func (id *identity) writePEM(file, kind string, der []byte) error {
	return os.WriteFile(id.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// tokens reads or writes tokens.csv, the API server's --token-auth-file.
func (id *identity) tokens() error {
	known := map[string]string{}
	if data, err := os.ReadFile(id.path("tokens.csv")); err == nil {
		for line := range strings.Lines(string(data)) {
			if token, rest, ok := strings.Cut(line, ","); ok {
				name, _, _ := strings.Cut(rest, ",")
				known[name] = token
			}
		}
	}
	var b strings.Builder
	for i := range id.users {
		u := &id.users[i]
		u.token = known[u.name]
		if u.token == "" {
			random := make([]byte, 24)
			if _, err := rand.Read(random); err != nil {
				return err
			}
			u.token = hex.EncodeToString(random)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%q\n", u.token, u.name, u.name, strings.Join(u.groups, ","))
	}
	return os.WriteFile(id.path("tokens.csv"), []byte(b.String()), 0o600)
}

func (id *identity) user(name string) user {
	for _, u := range id.users {
		if u.name == name {
			return u
		}
	}
	panic("no user " + name)
}

// writeKubeconfigs writes DIR/kubeconfig with a context for every user, and DIR/NAME.kubeconfig for each alone. The
// certificates are inside: a file works wherever it is copied to.
func (id *identity) writeKubeconfigs(url string) error {
	ca, err := id.base64("ca.crt")
	if err != nil {
		return err
	}
	certificate, err := id.base64("admin.crt")
	if err != nil {
		return err
	}
	key, err := id.base64("admin.key")
	if err != nil {
		return err
	}
	type credentials struct{ name, lines string }
	var all []credentials
	for _, u := range id.users {
		all = append(all, credentials{u.name, "    token: " + u.token + "\n"})
	}
	all = append(all, credentials{"admin-certificate",
		"    client-certificate-data: " + certificate + "\n    client-key-data: " + key + "\n"})

	write := func(file string, some []credentials) error {
		var users, contexts strings.Builder
		for _, c := range some {
			fmt.Fprintf(&users, "- name: %[1]s\n  user:\n%[2]s", c.name, c.lines)
			fmt.Fprintf(&contexts, "- name: %[1]s\n  context:\n    cluster: sluice\n    user: %[1]s\n    namespace: default\n", c.name)
		}
		text := "apiVersion: v1\nkind: Config\nclusters:\n- name: sluice\n  cluster:\n    server: " + url +
			"\n    certificate-authority-data: " + ca + "\nusers:\n" + users.String() + "contexts:\n" + contexts.String() +
			"current-context: " + some[0].name + "\n"
		// Renamed into place: a reader never sees half of it.
		if err := os.WriteFile(id.path(file+".new"), []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(id.path(file+".new"), id.path(file))
	}
	var people []credentials
	for _, c := range all {
		if c.name == controllerManagerUser {
			if err := write("controller-manager.kubeconfig", []credentials{c}); err != nil {
				return err
			}
			continue
		}
		if err := write(c.name+".kubeconfig", []credentials{c}); err != nil {
			return err
		}
		people = append(people, c)
	}
	return write("kubeconfig", people)
}

func (id *identity) base64(file string) (string, error) {
	data, err := os.ReadFile(id.path(file))
	return base64.StdEncoding.EncodeToString(data), err
}
