// Evaluates which connections a set of network policies allows, with cyclonus.
//
//	policies < QUESTION
//
// The question is JSON: `policies` as Kubernetes objects, and `pairs`, each with `from`, `to`, `port` and `protocol`. A peer is
// a pod (`namespace`, `labels`, `namespaceLabels`, `ip`) or an external address (`ip` alone). The answer is a list of booleans.
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
	var input question
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	policy := matcher.BuildNetworkPolicies(true, input.Policies)
	answers := make([]bool, len(input.Pairs))
	for i, each := range input.Pairs {
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
