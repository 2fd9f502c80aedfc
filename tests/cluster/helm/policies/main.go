// Says which connections a set of network policies allows, by cyclonus' reading of them.
//
//	policies < QUESTION
//
// The question is JSON: `policies`, as Kubernetes has them, and `pairs`, each with `from`, `to`, `port` and `protocol`. A
// peer is a pod (`namespace`, `labels`, `namespaceLabels`, `ip`) or an address outside (`ip` alone). The answer is a list of booleans.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
)

type peer struct {
	Namespace       string
	Labels          map[string]string
	NamespaceLabels map[string]string
	IP              string
}

type pair struct {
	From, To peer
	Port     int
	Protocol core.Protocol
}

type question struct {
	Policies []*networking.NetworkPolicy
	Pairs    []pair
}

func (p peer) traffic() *matcher.TrafficPeer {
	found := &matcher.TrafficPeer{IP: p.IP}
	if p.Namespace != "" {
		found.Internal = &matcher.InternalPeer{
			PodLabels: p.Labels, NamespaceLabels: p.NamespaceLabels, Namespace: p.Namespace,
		}
	}
	return found
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	policy := matcher.BuildNetworkPolicies(true, asked.Policies)
	answers := make([]bool, len(asked.Pairs))
	for i, each := range asked.Pairs {
		answers[i] = policy.IsTrafficAllowed(&matcher.Traffic{
			Source:       each.From.traffic(),
			Destination:  each.To.traffic(),
			ResolvedPort: each.Port,
			Protocol:     each.Protocol,
		}).IsAllowed()
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
