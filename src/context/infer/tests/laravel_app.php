<?php
namespace App;

use Illuminate\Database\Eloquent\Builder;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Facades\Facade;

class User extends Model {
    public function posts() { return $this->hasMany(Post::class); }
    public function scopeActive($query, $since = null) { return $query->where('active', true); }
    #[Scope]
    protected function popular(Builder $query) {}
}
class Post extends Model {
    public function author() { return $this->belongsTo(User::class, 'author_id'); }
}
class Billing { public function invoice(): Invoice {} }
class Invoice {}
class Bill extends Facade { protected static function getFacadeAccessor() { return Billing::class; } }
