{{- /* What values.schema.json cannot say, because two places have to fit. Each failure names the place and what it accepts. */ -}}
{{- define "rc2hub.checks" -}}
{{- include "rc2hub.checkOwned" . -}}
{{- include "rc2hub.checkServices" . -}}
{{- include "rc2hub.checkGrants" . -}}
{{- include "rc2hub.checkProfiles" . -}}
{{- include "rc2hub.checkPlaces" . -}}
{{- end }}

{{- /* Traits that other parts of the chart have to know too. */ -}}
{{- define "rc2hub.checkOwned" -}}
{{- $owned := dict
  "JupyterHub.base_url" "it is / in this chart"
  "JupyterHub.hub_bind_url" "the Service and the probes know it"
  "JupyterHub.db_url" "write hub.database.url"
  "JupyterHub.load_roles" "write roles"
  "KubeSpawner.namespace" "write compute.namespace, which has the hub's Role too"
  "Profiles.catalogue" "write profiles"
  "SharedServices.broker_url" "the broker's Service has it"
  "SharedServices.catalogue" "write sharedServices.catalogue, which the broker reads too"
  "SharedServices.contact" "write sharedServices.contact, which the broker reads too"
  "SharedServices.lifetime" "write sharedServices.lifetime, which the broker reads too"
-}}
{{- range $place, $why := $owned -}}
  {{- $words := splitList "." $place -}}
  {{- if hasKey (get $.Values.hub.config (first $words) | default dict) (last $words) -}}
    {{- fail (printf "hub.config.%s cannot be set: %s." $place $why) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkPlaces" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
  {{- fail "ingress.host is missing: the name that people open, such as rc2.example.org." -}}
{{- end -}}
{{- with .Values.postgresql -}}
  {{- if and .enabled .external (not (and .host .existingSecret)) -}}
    {{- fail "postgresql.external is true, so postgresql.host and postgresql.existingSecret have to name server and Secret." -}}
  {{- else if and .enabled .external $.Values.networkPolicies.enabled (not .cidrs) -}}
    {{- fail "postgresql.cidrs is missing: network policies know addresses, not names; such as [10.1.2.3/32]." -}}
  {{- else if and .external .sampleData -}}
    {{- fail "postgresql.sampleData fills the chart's own server only: postgresql.external has to be false." -}}
  {{- else if and (not .external) (or (ne (int .port) 5432) (ne .user "rc2") .host) -}}
    {{- fail "postgresql.host, port and user are those of a server of yours: postgresql.external has to be true." -}}
  {{- else if and .sampleData (not (hasKey .databases "flights")) -}}
    {{- fail "postgresql.sampleData fills the database flights: postgresql.databases.flights is missing." -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkServices" -}}
{{- $own := list -}}
{{- if .Values.postgresql.enabled -}}{{- $own = keys .Values.postgresql.databases -}}{{- end -}}
{{- if .Values.spark.enabled -}}{{- $own = append $own "spark" -}}{{- end -}}
{{- range $name := $own -}}
  {{- if hasKey $.Values.sharedServices.catalogue $name -}}
    {{- fail (printf "sharedServices.catalogue.%s: the name is taken by postgresql.databases or by Spark." $name) -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.spark.enabled .Values.postgresql.enabled (hasKey .Values.postgresql.databases "spark") -}}
  {{- fail "postgresql.databases.spark: the name is taken by Spark." -}}
{{- end -}}
{{- range $name, $entry := .Values.sharedServices.catalogue -}}
  {{- if and (not $.Values.sharedServices.credentialsSecret) (hasPrefix "/etc/rc2hub/credentials/" (dig "admin" "file" "" $entry)) -}}
    {{- fail (printf "sharedServices.catalogue.%s.admin.file: sharedServices.credentialsSecret has to name the Secret." $name) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkGrants" -}}
{{- $catalogue := include "rc2hub.catalogue" . | fromJson -}}
{{- range $i, $role := .Values.roles -}}
  {{- range $scope := $role.scopes -}}
    {{- $words := splitList ":" $scope -}}
    {{- if and (hasPrefix "custom:rc2:" $scope) (not (hasKey $catalogue (index $words 2))) -}}
      {{- $known := keys $catalogue | sortAlpha | join ", " | default "none" -}}
      {{- fail (printf "roles[%d] (%s): the scope %s grants a service that there is not; there are %s." $i $role.name $scope $known) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "rc2hub.checkProfiles" -}}
{{- $names := list -}}
{{- range $i, $profile := .Values.profiles -}}
  {{- if has $profile.name $names -}}
    {{- fail (printf "profiles[%d].name: %s is taken by an earlier profile; the first profile is the default one." $i $profile.name) -}}
  {{- end -}}
  {{- $names = append $names $profile.name -}}
  {{- if and $profile.spare (eq $.Values.compute.podSecurity "restricted") -}}
    {{- fail (printf "profiles[%d].spare has to be 0: a standby starts as root, which compute.podSecurity restricted forbids." $i) -}}
  {{- end -}}
{{- end -}}
{{- end }}
