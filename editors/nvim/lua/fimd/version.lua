--- The version of the plugin: that of the program it was made with. `fimd
--- doctor` reads it.
return '0.1.0'
