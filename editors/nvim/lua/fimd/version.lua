--- The version of the plugin, which is that of the matching program. `fimd doctor`
--- reads it.
return '0.1.0'
