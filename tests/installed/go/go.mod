module example.org/installed

go 1.19
