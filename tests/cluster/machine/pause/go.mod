module rc2.test/cluster/pause

go 1.25.0
