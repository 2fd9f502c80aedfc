{{- /* The whole catalogue as JSON: the operator's entries, and those for the chart's PostgreSQL, Spark, HDFS, Hive and S3. */ -}}
{{- define "rc2hub.catalogue" -}}
{{- $catalogue := deepCopy .Values.sharedServices.catalogue -}}
{{- if .Values.postgresql.enabled -}}
  {{- range $name, $keys := .Values.postgresql.databases -}}
    {{- $entry := dict "kind" "postgres" "url" (include "rc2hub.postgresqlUrl" (list $ $name)) -}}
    {{- $_ := set $entry "admin" (dict "file" "/etc/rc2hub/postgresql/rc2-password") -}}
    {{- $_ := set $catalogue $name (merge $entry (deepCopy $keys)) -}}
  {{- end -}}
{{- end -}}
{{- if .Values.spark.enabled -}}
  {{- $entry := dict "kind" "spark" "gateway" (printf "sc://%s:15002" (include "rc2hub.host" (list . "spark-gateway"))) -}}
  {{- $_ := set $entry "admin" (dict "env" "RC2_GATEWAY_SECRET") -}}
  {{- if .Values.hdfs.enabled }}{{ $_ := set $entry "hdfs" "hdfs" }}{{ end -}}
  {{- if .Values.hive.enabled }}{{ $_ := set $entry "hive" "hive" }}{{ end -}}
  {{- if .Values.s3.enabled }}{{ $_ := set $entry "s3" "s3" }}{{ end -}}
  {{- $_ := set $catalogue "spark" (merge $entry (deepCopy .Values.spark.service)) -}}
{{- end -}}
{{- if .Values.hdfs.enabled -}}
  {{- $entry := dict "kind" "hdfs" "gateway" (include "rc2hub.hdfsGateway" .) "namenode" (include "rc2hub.namenode" .) -}}
  {{- $_ := set $entry "admin" (dict "env" "RC2_GATEWAY_SECRET") -}}
  {{- $_ := set $catalogue "hdfs" (merge $entry (deepCopy .Values.hdfs.service)) -}}
{{- end -}}
{{- if .Values.hive.enabled -}}
  {{- $entry := dict "kind" "hive" "gateway" (include "rc2hub.hiveGateway" .) "hdfs" "hdfs" "key" (dict "file" (include "rc2hub.hiveKey" .)) -}}
  {{- $_ := merge $entry (dict "metastore" (include "rc2hub.metastore" .)) (pick .Values.hive "groups") (dict "admin" (dict "env" "RC2_GATEWAY_SECRET")) -}}
  {{- $_ := set $catalogue "hive" (merge $entry (deepCopy .Values.hive.service)) -}}
{{- end -}}
{{- if .Values.s3.enabled -}}
  {{- $entry := dict "kind" "s3" "gateway" (include "rc2hub.s3Gateway" .) "credentials" (include "rc2hub.s3Credentials" .) -}}
  {{- $_ := merge $entry (pick .Values.s3 "endpoint" "region" "bucket" "groups") (dict "admin" (dict "env" "RC2_GATEWAY_SECRET")) -}}
  {{- if .Values.s3.prefix }}{{ $_ := set $entry "prefix" .Values.s3.prefix }}{{ end -}}
  {{- $_ := set $catalogue "s3" (merge $entry (deepCopy .Values.s3.service)) -}}
{{- end -}}
{{ $catalogue | toJson }}
{{- end }}

{{- define "rc2hub.s3Gateway" -}}
http://{{ include "rc2hub.host" (list . "s3-gateway") }}:14020
{{- end }}

{{- /* where the gateway, and it alone, finds the key of the store */ -}}
{{- define "rc2hub.s3Credentials" -}}
/etc/rc2hub/s3/credentials
{{- end }}

{{- define "rc2hub.hdfsGateway" -}}
http://{{ include "rc2hub.host" (list . "hdfs-gateway") }}:14000
{{- end }}

{{- /* the NameNode's HTTP address, as the gateway reaches it */ -}}
{{- define "rc2hub.namenode" -}}
{{ ternary .Values.hdfs.address (printf "http://%s:9870" (include "rc2hub.host" (list . "hdfs-namenode"))) .Values.hdfs.external }}
{{- end }}

{{- /* (list $ "flights"): the URL of a database, without a password */ -}}
{{- define "rc2hub.postgresqlUrl" -}}
{{- $ := index . 0 -}}
{{- $postgresql := $.Values.postgresql -}}
{{- $host := ternary $postgresql.host (include "rc2hub.host" (list $ "postgresql")) $postgresql.external -}}
{{- $parameters := list -}}
{{- range $name, $value := $postgresql.parameters -}}
  {{- $parameters = append $parameters (printf "%s=%s" $name (urlquery $value)) -}}
{{- end -}}
{{- with $postgresql.caKey -}}
  {{- $parameters = append $parameters (printf "sslrootcert=%s" (urlquery (printf "/etc/rc2hub/postgresql/%s" .))) -}}
{{- end -}}
postgresql://{{ $postgresql.user }}@{{ $host }}:{{ $postgresql.port }}/{{ index . 1 }}
{{- with $parameters }}?{{ join "&" . }}{{ end -}}
{{- end }}

{{- /* c.SharedServices, as hub and broker read it */ -}}
{{- define "rc2hub.sharedServices" -}}
{{- $catalogue := include "rc2hub.catalogue" . | fromJson -}}
{{- $installation := .Values.sharedServices.installation | default (printf "%s/%s" .Release.Namespace .Release.Name) -}}
{{- $shared := dict "catalogue" $catalogue "installation" $installation -}}
{{ merge $shared (dict "contact" .Values.sharedServices.contact "lifetime" .Values.sharedServices.lifetime) | toJson }}
{{- end }}
