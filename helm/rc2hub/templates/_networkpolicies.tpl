{{- /* (list $ "hub"): that component's pods, as a peer in any namespace */ -}}
{{- define "rc2hub.peer" -}}
{{- $ := index . 0 -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ $.Release.Namespace }}}
  podSelector:
    matchLabels:
      {{- include "rc2hub.selector" . | nindent 6 }}
{{- end }}

{{- /* all pods of the compute namespace: only compute servers run there */ -}}
{{- define "rc2hub.computePeer" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ include "rc2hub.computeNamespace" . }}}
{{- end }}

{{- /* (list $ "driver"): Spark's drivers or executors */ -}}
{{- define "rc2hub.sparkPeer" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ include "rc2hub.sparkNamespace" (index . 0) }}}
  podSelector:
    matchLabels: {spark-role: {{ index . 1 }}}
{{- end }}

{{- /* DNS servers are in kube-system, in openshift-dns, or a cache on each node. */ -}}
{{- define "rc2hub.toDns" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
    - {protocol: UDP, port: 5353}
    - {protocol: TCP, port: 5353}
  to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: openshift-dns}
    {{- range list "10.0.0.0/8" "172.16.0.0/12" "192.168.0.0/16" "100.64.0.0/10" "169.254.20.10/32" "fc00::/7" }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
{{- end }}

{{- define "rc2hub.toApiServer" -}}
- ports:
    {{- range .Values.networkPolicies.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  to:
    {{- range .Values.networkPolicies.apiServer.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
{{- end }}

{{- /* Public addresses, except cloud metadata services, which return credentials: 169.254.169.254 and 168.63.129.16. */ -}}
{{- define "rc2hub.toInternet" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 168.63.129.16/32, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    - ipBlock:
        cidr: ::/0
        except: ["fc00::/7", "fe80::/10"]
{{- end }}

{{- /* the server of postgresql.databases, if PostgreSQL is enabled */ -}}
{{- define "rc2hub.toPostgresql" -}}
{{- if .Values.postgresql.enabled -}}
- ports:
    - {protocol: TCP, port: {{ .Values.postgresql.port }}}
  to:
    {{- if .Values.postgresql.external }}
    {{- range .Values.postgresql.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
    {{- else }}
    {{- include "rc2hub.peer" (list . "postgresql") | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "rc2hub.toHdfsGateway" -}}
{{- if .Values.hdfs.enabled }}{{ include "rc2hub.to" (list . "hdfs-gateway" 14000) }}{{ end -}}
{{- end }}

{{- define "rc2hub.toHiveGateway" -}}
{{- if .Values.hive.enabled }}{{ include "rc2hub.to" (list . "hive-gateway" 14010) }}{{ end -}}
{{- end }}

{{- define "rc2hub.toS3Gateway" -}}
{{- if .Values.s3.enabled }}{{ include "rc2hub.to" (list . "s3-gateway" 14020) }}{{ end -}}
{{- end }}

{{- /* (list $ "hub" 8081): egress to that port of a component */ -}}
{{- define "rc2hub.to" -}}
- ports:
    - {protocol: TCP, port: {{ index . 2 }}}
  to:
    {{- include "rc2hub.peer" . | nindent 4 }}
{{- end }}
