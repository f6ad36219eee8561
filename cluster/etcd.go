package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Port 0: etcd listens on free ports of its own finding. The advertised peer URL keeps the 0, a lone member never dials it.
var anyPort = url.URL{Scheme: "http", Host: "127.0.0.1:0"}

const memberName = "sluice"

// startEtcd runs etcd in this process on the data in dir. Without fsync: a test's data need not outlive the machine,
// and every write waits for the disk otherwise.
func startEtcd(ctx context.Context, dir, logFile string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Name = memberName
	config.Dir = dir
	config.ListenClientUrls = []url.URL{anyPort}
	config.AdvertiseClientUrls = []url.URL{anyPort}
	config.ListenPeerUrls = []url.URL{anyPort}
	config.AdvertisePeerUrls = []url.URL{anyPort}
	config.InitialCluster = config.InitialClusterFromName(memberName)
	config.UnsafeNoFsync = true
	config.QuotaBackendBytes = 8 << 30
	config.LogLevel = "warn"
	config.LogOutputs = []string{logFile}
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("etcd did not start: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		etcd.Close()
		return nil, fmt.Errorf("etcd did not start: %w", err)
	case <-ctx.Done():
		etcd.Close()
		return nil, fmt.Errorf("etcd did not start: %w", context.Cause(ctx))
	}
}

func etcdURL(etcd *embed.Etcd) string {
	return "http://" + etcd.Clients[0].Addr().String()
}

// saveSnapshot writes what "etcdctl snapshot save" would, and replaces file only when it is whole.
func saveSnapshot(ctx context.Context, etcd *embed.Etcd, file string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	endpoint := clientv3.Config{Endpoints: []string{etcdURL(etcd)}}
	if _, err := snapshot.NewV3(zap.NewNop()).Save(ctx, endpoint, file); err != nil {
		return fmt.Errorf("cannot save the snapshot %s: %w", file, err)
	}
	return nil
}

// unpackSnapshot does what "etcdutl snapshot restore" does, into dir, which must not exist. It returns the revision that
// the snapshot ends at.
func unpackSnapshot(file, dir string) (int64, error) {
	if _, err := os.Stat(file); err != nil {
		return 0, fmt.Errorf("cannot read the snapshot: %w", err)
	}
	store := snapshot.NewV3(zap.NewNop())
	found, err := store.Status(file)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole etcd snapshot, nothing was changed: %w", file, err)
	}
	peers := anyPort.String()
	if err := store.Restore(snapshot.RestoreConfig{
		SnapshotPath:        file,
		Name:                memberName,
		OutputDataDir:       dir,
		PeerURLs:            []string{peers},
		InitialCluster:      memberName + "=" + peers,
		InitialClusterToken: filepath.Base(file),
	}); err != nil {
		return 0, fmt.Errorf("cannot restore the snapshot %s, nothing was changed: %w", file, err)
	}
	return found.Revision, nil
}

// compactRevisionKey is where API servers on one etcd tell each other what has been compacted.
const compactRevisionKey = "compact_rev_key"

// compact does what an API server does every five minutes, only for everything up to now: it compacts etcd, and says so
// under the key by which the others know. They look there every 15 s. It returns the revision.
func compact(ctx context.Context, etcd *embed.Etcd) (int64, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcdURL(etcd)}, Logger: zap.NewNop()})
	if err != nil {
		return 0, fmt.Errorf("cannot compact etcd: %w", err)
	}
	defer client.Close()
	now, err := client.Get(ctx, compactRevisionKey)
	if err != nil {
		return 0, fmt.Errorf("cannot compact etcd: %w", err)
	}
	revision := now.Header.Revision
	if _, err := client.Compact(ctx, revision, clientv3.WithCompactPhysical()); err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return 0, fmt.Errorf("cannot compact etcd at revision %d: %w", revision, err)
	}
	if _, err := client.Put(ctx, compactRevisionKey, strconv.FormatInt(revision, 10)); err != nil {
		return 0, fmt.Errorf("etcd was compacted at revision %d, but nobody was told: %w", revision, err)
	}
	return revision, nil
}
