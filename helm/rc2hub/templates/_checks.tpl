{{- /* Checks that values.schema.json cannot express. Each message names the value and what it accepts. */ -}}
{{- define "rc2hub.checks" -}}
{{- include "rc2hub.checkOwned" . -}}
{{- include "rc2hub.checkServices" . -}}
{{- include "rc2hub.checkGrants" . -}}
{{- include "rc2hub.checkProfiles" . -}}
{{- include "rc2hub.checkAddresses" . -}}
{{- end }}

{{- /* Traits that other parts of the chart depend on. */ -}}
{{- define "rc2hub.checkOwned" -}}
{{- $owned := dict
  "JupyterHub.base_url" "this chart always uses /"
  "JupyterHub.hub_bind_url" "the Service and the probes use its port"
  "JupyterHub.db_url" "use hub.database.url"
  "JupyterHub.load_roles" "use roles"
  "KubeSpawner.namespace" "use compute.namespace; the hub's Role is in that namespace"
  "Profiles.catalogue" "use profiles"
  "SharedServices.broker_url" "the chart sets it to the broker's Service"
  "SharedServices.catalogue" "use sharedServices.catalogue; the broker reads it, too"
  "SharedServices.contact" "use sharedServices.contact; the broker reads it, too"
  "SharedServices.installation" "use sharedServices.installation; the broker reads it, too"
  "SharedServices.lifetime" "use sharedServices.lifetime; the broker reads it, too"
-}}
{{- range $trait, $reason := $owned -}}
  {{- $parts := splitList "." $trait -}}
  {{- if hasKey (get $.Values.hub.config (first $parts) | default dict) (last $parts) -}}
    {{- fail (printf "hub.config.%s cannot be set: %s." $trait $reason) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkAddresses" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
  {{- fail "ingress.host is missing. Set it to the host name that users open, such as rc2.example.org." -}}
{{- end -}}
{{- with .Values.hdfs -}}
  {{- if and .enabled .external (not .address) -}}
    {{- fail "hdfs.address is missing. Set it to the NameNode's HTTP address, such as http://namenode.example.org:9870." -}}
  {{- else if and .enabled .external $.Values.networkPolicies.enabled (not .cidrs) -}}
    {{- fail "hdfs.cidrs is missing. Network policies need the addresses of NameNode and DataNodes, such as [10.1.2.0/24]." -}}
  {{- else if and (not .external) (or .address .cidrs .existingSecret) -}}
    {{- fail "hdfs.address, hdfs.cidrs and hdfs.existingSecret are only for an external HDFS: set hdfs.external to true." -}}
  {{- else if and (hasPrefix "https:" .address) (not .existingSecret) -}}
    {{- fail "hdfs.existingSecret is missing. An HDFS at an https:// address is used with Kerberos: docs/hdfs.md names the files." -}}
  {{- end -}}
{{- end -}}
{{- with .Values.s3 -}}
  {{- if and .enabled (not (and .endpoint .bucket .existingSecret)) -}}
    {{- fail "s3.enabled is true, so s3.endpoint, s3.bucket and s3.existingSecret are required." -}}
  {{- else if and .enabled $.Values.networkPolicies.enabled (not .cidrs) -}}
    {{- fail "s3.cidrs is missing. Network policies need the addresses of the store, such as [10.1.2.0/24]." -}}
  {{- end -}}
{{- end -}}
{{- with .Values.postgresql -}}
  {{- if and .enabled .external (not (and .host .existingSecret)) -}}
    {{- fail "postgresql.external is true, so postgresql.host and postgresql.existingSecret are required." -}}
  {{- else if and .enabled .external $.Values.networkPolicies.enabled (not .cidrs) -}}
    {{- fail "postgresql.cidrs is missing. Network policies need the addresses of the server, such as [10.1.2.3/32]." -}}
  {{- else if and .external .sampleData -}}
    {{- fail "postgresql.sampleData works with the chart's own server only: set postgresql.external to false." -}}
  {{- else if and (not .external) (or (ne (int .port) 5432) (ne .user "rc2") .host) -}}
    {{- fail "postgresql.host, port and user are only for an external server: set postgresql.external to true." -}}
  {{- else if and .sampleData (not (hasKey .databases "flights")) -}}
    {{- fail "postgresql.sampleData fills the database flights, but postgresql.databases.flights is missing." -}}
  {{- end -}}
{{- end -}}
{{- with .Values.hive -}}
  {{- if and .enabled .external (not (and .address .existingSecret)) -}}
    {{- fail "hive.external is true, so hive.address and hive.existingSecret are required." -}}
  {{- else if and .enabled .external (not (and $.Values.hdfs.enabled $.Values.hdfs.external)) -}}
    {{- fail "hive.external is true, so the tables need an HDFS that the metastore reaches: set hdfs.enabled and hdfs.external to true." -}}
  {{- else if and .enabled $.Values.hdfs.existingSecret -}}
    {{- fail "hive.enabled is true, but Hive does not work with an HDFS with Kerberos (hdfs.existingSecret) yet." -}}
  {{- else if and .enabled .external $.Values.networkPolicies.enabled (not .cidrs) -}}
    {{- fail "hive.cidrs is missing. Network policies need the addresses of the metastore, such as [10.1.2.3/32]." -}}
  {{- else if and (not .external) (or .address .cidrs) -}}
    {{- fail "hive.address and hive.cidrs are only for an external metastore: set hive.external to true." -}}
  {{- else if and .enabled (not .external) (or (not $.Values.hdfs.enabled) $.Values.hdfs.external) -}}
    {{- fail "The chart's metastore needs the chart's HDFS: set hdfs.enabled to true; an external HDFS needs hive.external." -}}
  {{- else if and (include "rc2hub.metastoreInPostgresql" $) $.Values.postgresql.enabled $.Values.postgresql.external -}}
    {{- fail "hive.database.url is missing. With postgresql.external, the metastore needs a database there, such as postgresql://hive@db.example.org/hive." -}}
  {{- else if and .enabled .database.url (not .database.passwordSecret.name) -}}
    {{- fail "hive.database.passwordSecret.name is missing. Set it to the Secret with the password for hive.database.url." -}}
  {{- else if and .enabled .database.url $.Values.networkPolicies.enabled (not .database.cidrs) -}}
    {{- fail "hive.database.cidrs is missing. Network policies need the addresses of the server, such as [10.1.2.3/32]." -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkServices" -}}
{{- $own := list -}}
{{- if .Values.postgresql.enabled -}}{{- $own = keys .Values.postgresql.databases -}}{{- end -}}
{{- if .Values.spark.enabled -}}{{- $own = append $own "spark" -}}{{- end -}}
{{- if .Values.hdfs.enabled -}}{{- $own = append $own "hdfs" -}}{{- end -}}
{{- if .Values.hive.enabled -}}{{- $own = append $own "hive" -}}{{- end -}}
{{- if .Values.s3.enabled -}}{{- $own = append $own "s3" -}}{{- end -}}
{{- range $name := $own -}}
  {{- if hasKey $.Values.sharedServices.catalogue $name -}}
    {{- fail (printf "sharedServices.catalogue.%s: the name is already used by postgresql.databases, Spark, HDFS, Hive or S3." $name) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $values := dict "spark" .Values.spark "hdfs" .Values.hdfs "hive" .Values.hive "s3" .Values.s3 -}}
  {{- if and $values.enabled $.Values.postgresql.enabled (hasKey $.Values.postgresql.databases $name) -}}
    {{- fail (printf "postgresql.databases.%s: the name is already used by the chart's own service." $name) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $entry := .Values.sharedServices.catalogue -}}
  {{- range $key, $file := dict "admin.file" (dig "admin" "file" "" $entry) "file" (dig "file" "" $entry) -}}
    {{- if and (not $.Values.sharedServices.credentialsSecret) (hasPrefix "/etc/rc2hub/credentials/" (toString $file)) -}}
      {{- fail (printf "sharedServices.catalogue.%s.%s: set sharedServices.credentialsSecret to the name of the Secret." $name $key) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkGrants" -}}
{{- $catalogue := include "rc2hub.catalogue" . | fromJson -}}
{{- range $i, $role := .Values.roles -}}
  {{- range $scope := $role.scopes -}}
    {{- $parts := splitList ":" $scope -}}
    {{- if and (hasPrefix "custom:rc2:" $scope) (not (hasKey $catalogue (index $parts 2))) -}}
      {{- $known := keys $catalogue | sortAlpha | join ", " | default "none" -}}
      {{- fail (printf "roles[%d] (%s): the scope %s grants a service that does not exist; the services are: %s." $i $role.name $scope $known) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkProfiles" -}}
{{- $names := list -}}
{{- range $i, $profile := .Values.profiles -}}
  {{- if has $profile.name $names -}}
    {{- fail (printf "profiles[%d].name: %s is already used by an earlier profile; the first profile is the default." $i $profile.name) -}}
  {{- end -}}
  {{- $names = append $names $profile.name -}}
  {{- if and $profile.spare (eq $.Values.compute.podSecurity "restricted") -}}
    {{- fail (printf "profiles[%d].spare must be 0: a standby starts as root, which compute.podSecurity restricted forbids." $i) -}}
  {{- end -}}
{{- end -}}
{{- end }}
